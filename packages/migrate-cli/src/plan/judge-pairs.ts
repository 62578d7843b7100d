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
  /** Proves an item by itself, or waits for a proof that has begun. */
  prove(item: T, proof?: Promise<FinalAction>): Promise<J>;
}

interface Candidate<T, J> {
  readonly item: T;
  readonly decided: J | undefined;
}

/** Judges the items of batches in their order, and yields the judgements in that order, also in batches. Small files are hashed together. */
export async function* judgePairs<T, J>(
  batches: AsyncIterable<readonly T[]>,
  judge: PairJudge<T, J>,
): AsyncGenerator<readonly J[]> {
  async function* candidates(): AsyncGenerator<readonly Candidate<T, J>[]> {
    for await (const batch of batches) yield batch.map((item) => ({ item, decided: judge.decide(item) }));
  }
  const bytesTogether = ({ item, decided }: Candidate<T, J>): number | undefined => {
    if (decided !== undefined) return 0;
    const pair = judge.pairTogether(item);
    return pair && judge.prover.bytesTogether(pair);
  };
  const judgeGroup = (group: readonly Candidate<T, J>[]): readonly J[] | Promise<readonly J[]> => {
    const decided = group.flatMap((one) => one.decided ?? []);
    return decided.length === group.length ? decided : proveGroup(judge, group);
  };
  const groups = inGroups(candidates(), bytesTogether);
  for await (const batch of judgeBatches(groups, HASH_CONCURRENCY, judgeGroup, MAX_WAITING_GROUPS))
    yield batch.flat();
}

async function proveGroup<T, J>(
  { prover, pairTogether, conclude, prove }: PairJudge<T, J>,
  group: readonly Candidate<T, J>[],
): Promise<readonly J[]> {
  const [only] = group;
  if (only !== undefined && group.length === 1) return [await prove(only.item)];
  const open = group.filter(({ decided }) => decided === undefined);
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
