/** Returns a game like the first user's: 165 plays of 63 columns, a third each of integers, decimals and text. */
export function game(id) {
  return Array.from({ length: 165 }, (_, play) => {
    const row = {};
    for (let c = 0; c < 21; c++) row[`i${c}`] = play * c + id;
    for (let c = 0; c < 21; c++) row[`d${c}`] = (play * c) / 7;
    for (let c = 0; c < 21; c++) row[`t${c}`] = c % 2 === 0 ? `team ${play % 2}` : null;
    return row;
  });
}

/** Returns the plays of all games in one array, each with its game's id. */
export function season() {
  return Array.from({ length: GAMES }, (_, id) => game(id).map((row) => ({ ...row, id }))).flat();
}

/** Returns rows of 20 columns: eight of integers, eight of decimals, four of text. */
export function wide(count) {
  return Array.from({ length: count }, (_, i) => {
    const row = {};
    for (let c = 0; c < 8; c++) row[`i${c}`] = (i * (c + 1)) % 100_003;
    for (let c = 0; c < 8; c++) row[`d${c}`] = i / (c + 2);
    for (let c = 0; c < 4; c++) row[`t${c}`] = `text ${(i * (c + 1)) % 97}`;
    return row;
  });
}

/** Returns rows of 248 columns of structs and lists, as a deeply nested JSON source gives them. */
export function nested(count) {
  return Array.from({ length: count }, (_, i) => {
    const row = {};
    for (let c = 0; c < 62; c++) {
      const n = i * (c + 1);
      row[`s${c}`] = n % 5 === 0 ? null : { id: n % 1_009, name: `name ${n % 53}`, score: n / 7 };
      row[`l${c}`] = Array.from({ length: n % 6 }, (_, k) => n + k);
      row[`p${c}`] = Array.from({ length: n % 4 }, (_, k) => ({ key: k, value: `value ${n % 97}` }));
      row[`d${c}`] = {
        at: { x: i / 3, y: i / 7 },
        tags: Array.from({ length: n % 3 }, (_, k) => `tag ${k}`),
      };
    }
    return row;
  });
}

export const GAMES = 1_000;
export const NESTED_ROWS = 2_556;
export const WIDE_ROWS = 1_000_000;
