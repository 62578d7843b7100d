/** `@parquetry/testkit/s3-server`: the S3 server without the conformance suite. It loads no test cases and no Parquet. */
export type { S3Fault, S3FaultRule, S3FaultStatus } from "./s3-server/faults/s3-fault.ts";
export type { RequestCounts } from "./s3-server/http/request-counter.ts";
export type { S3Operation } from "./s3-server/operations/s3-operation.ts";
export type { S3ProfileName } from "./s3-server/s3-profile.ts";
export type { S3Credentials } from "./s3-server/signature/signature-v4.ts";
export {
  type S3Server,
  type S3ServerOptions,
  startS3Server,
  TEST_CREDENTIALS,
} from "./s3-server/start-s3-server.ts";
