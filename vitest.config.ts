import { defineConfig } from "vitest/config";
import shared from "./vitest.shared.ts";

/** The tests of the house itself: what holds between the packages. */
export default defineConfig({ ...shared, test: { ...shared.test, include: ["test/**/*.test.ts"] } });
