export type { ConformanceCase } from "./conformance/conformance-case.ts";
export { CONFORMANCE_CASES, describeBackend, type TestRunner } from "./conformance/describe-backend.ts";
export {
  type S3Server,
  type S3ServerOptions,
  startS3Server,
  TEST_CREDENTIALS,
} from "./s3-server/start-s3-server.ts";
export type { S3FaultRule } from "./s3-server/s3-fault.ts";
