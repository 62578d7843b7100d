/** The store of keys and values of a server, over fetch: the counterpart of serve-store.mjs. */
export class FetchStore {
  async get(key) {
    const answer = await fetch(address(key));
    if (answer.status === 404) return undefined;
    return {
      value: new Uint8Array(await succeeded(answer).arrayBuffer()),
      version: Number(answer.headers.get("etag")),
      writtenAt: new Date(answer.headers.get("last-modified")),
    };
  }

  /** Sets a value and returns its version; undefined where the version is not the expected one. 0 is that of a missing key. */
  async set(key, value, expected) {
    const headers = expected === undefined ? {} : { "if-match": String(expected) };
    const answer = await fetch(address(key), { method: "PUT", body: value, headers });
    return answer.status === 412 ? undefined : Number(succeeded(answer).headers.get("etag"));
  }

  async delete(key) {
    succeeded(await fetch(address(key), { method: "DELETE" }));
  }

  async keys() {
    return succeeded(await fetch("/store")).json();
  }
}

const address = (key) => `/store/${encodeURIComponent(key)}`;

function succeeded(answer) {
  if (!answer.ok) throw new Error(`${answer.url}: HTTP ${answer.status}`);
  return answer;
}
