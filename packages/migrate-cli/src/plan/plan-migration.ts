import { abilitiesOf, isStorageError, type StorageBackend, throwIfAborted } from "@parquetry/core/backend";
import { checkOptions, isYieldDue, type OptionKinds, yieldIfDue } from "@parquetry/core/unstable";
import { countGetRequests, countPutRequests } from "../cost/count-requests.ts";
import { isRemote } from "../cost/provider.ts";
import type { Side } from "../proof/decide.ts";
import { HASH_CACHE_KIND, type HashCache } from "../proof/hash-cache.ts";
import { provingPartSizes } from "../proof/multipart-etag.ts";
import { type ContentPair, createProver, type FinalAction } from "../proof/prove-content.ts";
import { expectReads } from "../proof/read-version.ts";
import { noneLeftOut } from "../select/left-out.ts";
import { compileSelection, SELECTION_OPTIONS, type SelectionOptions } from "../select/selection.ts";
import { createSpool } from "../spool/spool.ts";
import { checkEnds } from "./check-ends.ts";
import { judgePairs } from "./judge-pairs.ts";
import { listEnds } from "./list-ends.ts";
import type { ListingPair } from "./merge-listings.ts";
import { type FileFailure, type MigrationPlan, PLAN_KINDS, type PlannedFile } from "./migration-plan.ts";
import { createNameChecker, type NameCheckerOptions } from "./name-checker.ts";
import { createTallyTable } from "./tally.ts";

/** An event of planning. */
export type PlanProgress =
  | { readonly type: "listed"; readonly side: Side; readonly objects: number }
  | { readonly type: "read"; readonly side: Side; readonly bytes: number };

/** Options of {@link planMigration}. */
export interface PlanOptions extends SelectionOptions, NameCheckerOptions {
  /** Overwrite files that differ or are not proven equal. Default false: they are left alone and reported. */
  readonly force?: boolean | undefined;
  /** Keeps the hashes of local files between runs. Default: they are not kept. */
  readonly hashCache?: HashCache | undefined;
  /** Stops planning. */
  readonly signal?: AbortSignal | undefined;
  /** Called for each event. */
  readonly onProgress?: ((event: PlanProgress) => void) | undefined;
}

/** The kinds of {@link PlanOptions}. */
export const PLAN_OPTIONS: OptionKinds<PlanOptions> = {
  ...SELECTION_OPTIONS,
  caseInsensitive: "boolean",
  force: "boolean",
  hashCache: HASH_CACHE_KIND,
  signal: "signal",
  onProgress: "function",
};

/**
 * Lists both sides once and decides what a migration does with each file. Nothing is written. A directory's file is read
 * only if the other side has a hash to compare it with. Memory does not grow with the number of files. A folder of the source
 * that cannot be read is named in the plan; the others are planned.
 *
 * @throws StorageError if a side cannot be listed; `invalid_argument` for an argument that is not a backend, for a source
 * and a target that are the same place, and for an invalid option or selection.
 * @example
 * ```ts
 * const plan = await planMigration(disk, bucket, { include: ["raw/"] });
 * console.log(plan.total.copy.files, "files to copy");
 * plan.close();
 * ```
 */
export async function planMigration(
  source: StorageBackend,
  target: StorageBackend,
  options: PlanOptions = {},
): Promise<MigrationPlan> {
  checkOptions(options, PLAN_OPTIONS, "planMigration");
  await checkEnds(source, target, "planMigration");
  // Most plans are made to be run.
  expectReads(source);
  const { signal, onProgress } = options;
  const selection = compileSelection(options);
  const explainRefusal = createNameChecker(target.capabilities, options);
  const prover = createProver(source, target, {
    force: options.force,
    hashCache: options.hashCache,
    signal,
    onRead: (side, bytes) => onProgress?.({ type: "read", side, bytes }),
  });

  const table = createTallyTable(PLAN_KINDS);
  const leftOut = noneLeftOut();
  const pages = { source: 0, target: 0 };
  const ends = listEnds(source, target, {
    selection,
    signal,
    onPage: (side, objects) => {
      pages[side]++;
      onProgress?.({ type: "listed", side, objects });
    },
    onUnreadable: (path) => table.add(`${path}/`, "unreadable", 0),
  });
  const lists = {
    files: createSpool<PlannedFile>(),
    differing: createSpool<string>(),
    unverifiable: createSpool<string>(),
    extra: createSpool<string>(),
    failures: createSpool<FileFailure>(),
    unreadable: ends.unreadable,
    skippedEntries: ends.skippedEntries,
  };
  const close = (): void => {
    for (const list of Object.values(lists)) list.close();
  };
  let storedBytes = 0;
  let getRequests = 0;
  let putRequests = 0;
  const rangeBytes = abilitiesOf(target).hashedWrites?.rangeBytes;

  /** Judges a pair by its names and by what the listings prove. Undefined if it is not among those that were asked for. */
  const take = (pair: ListingPair): Candidate | undefined => {
    const verdict = selection.judge(pair.key);
    const refused = explainRefusal(pair.key);
    if (verdict === "filtered") return undefined;
    if (verdict !== "selected") {
      if (pair.source === undefined) return undefined;
      leftOut[verdict]++;
      return { pair, recalled: pair, kind: "leftOut" };
    }
    if (pair.source === undefined && ends.hidden.has(pair.key))
      return { pair, recalled: pair, kind: "unseen" };
    if (pair.source !== undefined && refused !== undefined) {
      const failure: FileFailure = { key: pair.key, code: "refused", message: refused };
      return { pair, recalled: pair, kind: "refused", failure };
    }
    const recalled = prover.recall(pair);
    return { pair, recalled, kind: prover.decide(recalled) };
  };

  async function* taken(): AsyncGenerator<readonly Candidate[]> {
    for await (const batch of ends.pairs) yield batch.flatMap((pair) => take(pair) ?? []);
  }

  const prove = async ({ pair, recalled }: Candidate, proof?: Promise<FinalAction>): Promise<Judged> => {
    try {
      return { pair, kind: await (proof ?? prover.prove(recalled)) };
    } catch (error) {
      if (!isStorageError(error) || signal?.aborted || error.code === "unauthenticated") throw error;
      return { pair, kind: "failed", failure: { key: pair.key, code: error.code, message: error.message } };
    }
  };

  const add = ({ pair, kind, failure }: Judged): void => {
    const info = pair.source ?? pair.target;
    if (info === undefined) return;
    table.add(pair.key, kind, info.sizeBytes);
    if (kind === "leftOut") return;
    if (failure !== undefined) lists.failures.push(failure);
    if (kind === "differs") lists.differing.push(pair.key);
    if (kind === "unverifiable" || kind === "unseen") lists.unverifiable.push(pair.key);
    if (kind === "extra") lists.extra.push(pair.key);
    if (kind === "copy" || kind === "overwrite") {
      const file = plannedFile(pair, info);
      lists.files.push(file);
      getRequests += countGetRequests(file.sizeBytes, provingPartSizes(file)[0], rangeBytes);
      putRequests += countPutRequests(info.sizeBytes, target.capabilities);
      storedBytes += info.sizeBytes;
    } else storedBytes += pair.target?.sizeBytes ?? 0;
  };

  try {
    const judging = judgePairs<Candidate, Judged>(taken(), {
      ...{ prover, prove },
      decide: (candidate) => (isJudged(candidate) ? candidate : undefined),
      pairTogether: ({ recalled }) => recalled,
      conclude: ({ pair }, kind) => ({ pair, kind }),
    });
    for await (const batch of judging) {
      for (const judged of batch) {
        if (isYieldDue()) await yieldIfDue();
        throwIfAborted(signal, "plan", "", source.name);
        add(judged);
      }
    }
  } catch (error) {
    close();
    throw error;
  }

  return {
    from: source.url(),
    to: target.url(),
    folders: table.folders(),
    total: table.total(),
    unmatched: selection.unmatched(),
    leftOut,
    requests: {
      sourceList: isRemote(source) ? pages.source : 0,
      sourceGet: isRemote(source) ? getRequests : 0,
      targetList: isRemote(target) ? pages.target : 0,
      targetPut: isRemote(target) ? putRequests : 0,
    },
    storedBytes,
    ...lists,
    unusableNames: ends.unusableNames(),
    close,
  };
}

/** A pair, judged or to be proven. */
interface Candidate extends Omit<Judged, "kind"> {
  /** The pair with the hashes that were recorded. */
  readonly recalled: ContentPair;
  readonly kind: Judged["kind"] | undefined;
}

function isJudged(candidate: Candidate): candidate is Candidate & Judged {
  return candidate.kind !== undefined;
}

interface Judged {
  readonly pair: ListingPair;
  readonly kind: FinalAction | "refused" | "failed" | "unseen" | "leftOut";
  readonly failure?: FileFailure;
}

function plannedFile({ key, target }: ListingPair, info: NonNullable<ListingPair["source"]>): PlannedFile {
  const { sizeBytes, etag, md5 } = info;
  return {
    key,
    sizeBytes,
    etag,
    ...(md5 === undefined ? {} : { md5 }),
    ...(target === undefined ? {} : { replaces: target.etag }),
  };
}
