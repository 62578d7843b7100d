import { mapConcurrent } from "@parquetry/core/unstable";
import type { ContentPair, FinalAction, Prover } from "../proof/prove-content.ts";
import { inGroups } from "./in-groups.ts";
import { judgeBatches } from "./judge-batches.ts";

/** How many files of a directory, or groups of small ones, are read concurrently to compute their MD5. */
const HASH_CONCURRENCY = 8;

/** The most groups that wait behind one that is read. */
const MAX_WAITING_GROUPS = 64;

/** How many files of a group are read concurrently if they are not hashed together. */
const REST_CONCURRENCY = 2;

/** How items with a pair each are judged. */
export interface PairJudge<T, J> {
  readonly prover: Prover;
  /** Judges an item without reading anything. Undefined if its pair has to be proven. */
  decide(item: T): J | undefined;
  /** Returns the recalled pair of an item that has to be proven. Undefined if that is never done together with others. */
  pairTogether(item: T): ContentPair | undefined;
  /** Returns the judgement of an item whose pair was proven together with others. */
  conclude(item: T, action: FinalAction): J;
  /** Proves an item alone, or waits for a proof that has begun. */
  prove(item: T, proof?: Promise<FinalAction>): Promise<J>;
}

interface Candidate<T, J> {
  readonly item: T;
  readonly decided: J | undefined;
}

/** Judgements, or items some of which have to be proven. */
type Group<T, J> = { readonly judged: readonly J[] } | { readonly open: readonly Candidate<T, J>[] };

/** Judges the items of batches in their order, and yields the judgements in that order, also in batches. Small files are hashed together. */
export async function* judgePairs<T, J>(
  batches: AsyncIterable<readonly T[]>,
  judge: PairJudge<T, J>,
): AsyncGenerator<readonly J[]> {
  const bytesTogether = ({ item, decided }: Candidate<T, J>): number | undefined => {
    if (decided !== undefined) return 0;
    const pair = judge.pairTogether(item);
    return pair && judge.prover.bytesTogether(pair);
  };
  async function* groups(): AsyncGenerator<readonly Group<T, J>[]> {
    for await (const batch of batches) {
      const decided = batch.map((item) => judge.decide(item));
      if (decided.every((one): one is J & {} => one !== undefined)) yield [{ judged: decided }];
      else {
        const candidates = batch.map((item, i): Candidate<T, J> => ({ item, decided: decided[i] }));
        yield inGroups(candidates, bytesTogether).map(groupOf);
      }
    }
  }
  const judgeGroup = (group: Group<T, J>): readonly J[] | Promise<readonly J[]> =>
    "judged" in group ? group.judged : proveGroup(judge, group.open);
  for await (const batch of judgeBatches(groups(), HASH_CONCURRENCY, judgeGroup, MAX_WAITING_GROUPS))
    yield* batch;
}

function groupOf<T, J>(open: readonly Candidate<T, J>[]): Group<T, J> {
  const judged = open.flatMap(({ decided }) => (decided === undefined ? [] : [decided]));
  return judged.length === open.length ? { judged } : { open };
}

async function proveGroup<T, J>(
  { prover, pairTogether, conclude, prove }: PairJudge<T, J>,
  group: readonly Candidate<T, J>[],
): Promise<readonly J[]> {
  const open = group.filter(({ decided }) => decided === undefined);
  const [only] = open;
  if (only !== undefined && group.length === 1) return [await prove(only.item)];
  const proofs = await prover.proveTogether(open.flatMap(({ item }) => pairTogether(item) ?? []));
  const proofOf = new Map(open.map((candidate, i) => [candidate, proofs[i]]));
  const rest: (() => Promise<void>)[] = [];
  const judged: J[] = [];
  for (const [i, candidate] of group.entries()) {
    const { item, decided } = candidate;
    const proof = proofOf.get(candidate);
    if (decided !== undefined) judged[i] = decided;
    else if (typeof proof === "string") judged[i] = conclude(item, proof);
    else
      rest.push(async () => {
        judged[i] = await prove(item, proof);
      });
  }
  await mapConcurrent(rest, REST_CONCURRENCY, (one) => one());
  return judged;
}
