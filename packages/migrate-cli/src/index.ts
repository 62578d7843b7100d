export { type CostEstimate, estimateCost, type ProviderCost, type Usage } from "./cost/estimate-cost.ts";
export { type PriceTable, type ProviderPrices, parsePriceTable } from "./cost/price-table.ts";
export { PRICES_2026_10 } from "./cost/prices-2026-10.ts";
export type { Check, CheckStatus } from "./doctor/check.ts";
export { type DoctorOptions, type DoctorSubject, doctor } from "./doctor/doctor.ts";
export { ENV_TEMPLATE } from "./env-template.ts";
export {
  type EntityTally,
  type Inventory,
  type InventoryOptions,
  inventory,
  type NamedTally,
} from "./inventory/inventory.ts";
export { type ListingPair, mergeListings } from "./plan/merge-listings.ts";
export type {
  FileFailure,
  MigrationPlan,
  PlanKind,
  PlannedFile,
  PlannedRequests,
} from "./plan/migration-plan.ts";
export type { NameCheckerOptions } from "./plan/name-checker.ts";
export { type PlanOptions, type PlanProgress, planMigration } from "./plan/plan-migration.ts";
export type { Tally, TallyRow } from "./plan/tally.ts";
export { type Action, type ContentFacts, type DecideOptions, decide, type Side } from "./proof/decide.ts";
export { type HashCache, openHashCache } from "./proof/hash-cache.ts";
export {
  type AdaptiveConcurrencyOptions,
  type ConcurrencyControl,
  createAdaptiveConcurrency,
  MAX_CONCURRENCY,
  START_CONCURRENCY,
} from "./run/adaptive-concurrency.ts";
export type { CopyKind, MigrationResult, SlowFile } from "./run/migration-result.ts";
export {
  DEFAULT_MAX_ERRORS,
  isPushBack,
  type MigrationOptions,
  type MigrationProgress,
  runMigration,
} from "./run/run-migration.ts";
export { openUploadJournal, type UploadJournal, type UploadRecord } from "./run/upload-journal.ts";
export type { LeftOutClass } from "./select/left-out.ts";
export type { SelectionOptions } from "./select/selection.ts";
export { parseShard, type Shard, shardOf } from "./select/shard.ts";
export type { Spool } from "./spool/spool.ts";
export { type FolderParity, formatParity } from "./verify/folder-parity.ts";
export { parseVerifyLevel, type VerifyLevel } from "./verify/verify-level.ts";
export {
  type Verification,
  type VerifyOptions,
  type VerifyProgress,
  verifyMigration,
} from "./verify/verify-migration.ts";
