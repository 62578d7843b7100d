export type { ConformanceCase } from "./conformance/conformance-case.ts";
export { type ConformanceScale, FULL_CONFORMANCE } from "./conformance/conformance-scale.ts";
export {
  CONFORMANCE_CASES,
  CONFORMANCE_GROUPS,
  describeBackend,
  type TestRunner,
} from "./conformance/describe-backend.ts";
export { type GuaranteeColumn, guaranteeTable } from "./conformance/guarantee-table.ts";
export { type Fault, type FaultPlan, type FaultyCall, type FaultyOptions, faulty } from "./faulty.ts";
export {
  type RequestCounts,
  type S3Credentials,
  type S3Fault,
  type S3FaultRule,
  type S3FaultStatus,
  type S3Operation,
  type S3ProfileName,
  type S3Server,
  type S3ServerOptions,
  startS3Server,
  TEST_CREDENTIALS,
} from "./s3-server.ts";
