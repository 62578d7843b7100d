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
export type { RequestCounts } from "./s3-server/request-counter.ts";
export type { S3Fault, S3FaultRule, S3FaultStatus } from "./s3-server/s3-fault.ts";
export type { S3Operation } from "./s3-server/s3-operation.ts";
export type { S3ProfileName } from "./s3-server/s3-profile.ts";
export type { S3Credentials } from "./s3-server/signature-v4.ts";
export {
  type S3Server,
  type S3ServerOptions,
  startS3Server,
  TEST_CREDENTIALS,
} from "./s3-server/start-s3-server.ts";
