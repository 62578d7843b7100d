import { defineConfig } from "vitest/config";
import shared from "./vitest.shared.ts";

/** The tests of the workspace itself: imports, public API, release. */
export default defineConfig({ ...shared, test: { ...shared.test, include: ["test/**/*.test.ts"] } });
