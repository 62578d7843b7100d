import type { StorageBackend } from "@parquetry/core/backend";
import { type CostEstimate, estimateCost } from "../cost/estimate-cost.ts";
import type { PriceTable } from "../cost/price-table.ts";
import { type Provider, providerOf } from "../cost/provider.ts";
import type { MigrationPlan, PlanKind } from "../plan/migration-plan.ts";
import type { ReportCost } from "../report/report-model.ts";
import { formatBytes, formatCount, formatFiles, formatUsd } from "../terminal/format-amount.ts";
import { formatTable } from "../terminal/format-table.ts";

/** The cost of a migration at each of its ends. A disk costs nothing. */
export interface PlanCost {
  /** The month of the prices. */
  readonly pricesOf: string;
  /** The cost of writing to the target once and of storing the data there, at its provider and at the other one. */
  readonly target?: { readonly provider: Provider; readonly estimate: CostEstimate } | undefined;
  /** Reading from the source once. */
  readonly source?: { readonly provider: Provider; readonly estimate: CostEstimate } | undefined;
}

/** Prices a plan. */
export function planCost(
  plan: MigrationPlan,
  ends: { readonly source: StorageBackend; readonly target: StorageBackend },
  prices: PriceTable,
): PlanCost {
  const { requests, storedBytes } = plan;
  const [from, to] = [providerOf(ends.source), providerOf(ends.target)];
  const bytes = plan.total.copy.bytes + plan.total.overwrite.bytes;
  return {
    pricesOf: prices.date,
    target: to && {
      provider: to,
      estimate: estimateCost({ storedBytes, writes: requests.targetPut + requests.targetList }, prices),
    },
    source: from && {
      provider: from,
      estimate: estimateCost(
        { storedBytes: 0, writes: requests.sourceList, reads: requests.sourceGet, egressBytes: bytes },
        prices,
      ),
    },
  };
}

const HEADINGS: Readonly<Partial<Record<PlanKind, string>>> = {
  overwrite: "overwrite",
  skip: "equal",
  differs: "differ",
  unverifiable: "unverif.",
  refused: "refused",
  failed: "failed",
  unreadable: "unreadable",
  unseen: "unseen",
  extra: "extra",
  leftOut: "left out",
};

/** A plan as lines of text: the actions in each folder, the requests and the cost. */
export function describePlan(plan: MigrationPlan, cost: PlanCost, width: number): readonly string[] {
  const { total, folders, requests, leftOut } = plan;
  // Object.entries forgets the keys' type; they are those of HEADINGS.
  const columns = (Object.entries(HEADINGS) as [PlanKind, string][]).filter(
    ([kind]) => kind === "skip" || total[kind].files > 0,
  );
  const line = (name: string, row: MigrationPlan["total"]): string[] => [
    name,
    formatCount(row.copy.files),
    formatBytes(row.copy.bytes),
    ...columns.map(([kind]) => formatCount(row[kind].files)),
  ];
  const rows = folders.map(({ folder, row }) => line(folder, row));
  if (rows.length > 1) rows.push(line("total", total));
  const table = formatTable(
    [["folder", "copy", "bytes", ...columns.map(([, name]) => name)], ...rows],
    width,
  );
  const files = total.copy.files + total.overwrite.files;
  const facts = [
    ["to copy", `${formatFiles(files)}, ${formatBytes(total.copy.bytes + total.overwrite.bytes)}`],
    ["requests", describeRequests(requests)],
    ...describeCost(cost),
    ["left out", describeLeftOut(leftOut)],
  ].filter(([, text]) => text !== "");
  return [
    `From ${plan.from}`,
    `To   ${plan.to}`,
    "",
    ...(rows.length === 0 ? ["No files are selected on either side."] : table),
    "",
    ...facts.map(([name = "", text = ""]) => `${name.padEnd(10)}${text}`),
  ];
}

function describeRequests({
  targetPut,
  targetList,
  sourceGet,
  sourceList,
}: MigrationPlan["requests"]): string {
  const parts = [
    [targetPut, "PUT"],
    [targetList + sourceList, "LIST"],
    [sourceGet, "GET"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${formatCount(count)} ${name}`)
    .join(", ");
}

function describeCost({ pricesOf, target, source }: PlanCost): string[][] {
  const lines: string[][] = [];
  if (target !== undefined) {
    const { provider, estimate } = target;
    const own = estimate[provider];
    const other = provider === "r2" ? estimate.s3 : estimate.r2;
    lines.push([
      "cost",
      `${formatUsd(own.onceUsd)} once, ${formatUsd(own.monthlyUsd)} a month on ${own.name}`,
    ]);
    lines.push([
      "",
      `(${other.name}: ${formatUsd(other.onceUsd)} and ${formatUsd(other.monthlyUsd)}; prices of ${pricesOf})`,
    ]);
  }
  if (source !== undefined) {
    const { onceUsd, name } = source.estimate[source.provider];
    lines.push([
      target === undefined ? "cost" : "",
      `${formatUsd(onceUsd)} once to read from ${name} (prices of ${pricesOf})`,
    ]);
  }
  return lines;
}

/** A plan's cost as a section of a report; undefined where both ends are disks. */
export function reportCost({ pricesOf, target, source }: PlanCost): ReportCost | undefined {
  const used = target ?? source;
  if (used === undefined) return undefined;
  const order: readonly Provider[] = used.provider === "r2" ? ["r2", "s3"] : ["s3", "r2"];
  const rows: [string, ...string[]][] = [];
  if (target !== undefined) {
    const { estimate } = target;
    rows.push(["writing, once", ...order.map((provider) => formatUsd(estimate[provider].onceUsd))]);
    rows.push(["storing, per month", ...order.map((provider) => formatUsd(estimate[provider].monthlyUsd))]);
  }
  if (source !== undefined) {
    const { estimate } = source;
    rows.push([
      "reading the source, once",
      ...order.map((provider) => formatUsd(estimate[provider].onceUsd)),
    ]);
  }
  return { pricesOf, providers: order.map((provider) => used.estimate[provider].name), rows };
}

/** The files left out by default, counted by class. */
export function describeLeftOut(leftOut: MigrationPlan["leftOut"]): string {
  const parts = [
    [leftOut.apple_double, "AppleDouble (._*)"],
    [leftOut.ds_store, ".DS_Store"],
    [leftOut.temporary, "temporary"],
    [leftOut.system, "system"],
    [leftOut.env, ".env"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${formatCount(count)} ${name}`)
    .join(", ");
}

/** A plan as a JSON object. */
export function planSummary(plan: MigrationPlan, cost: PlanCost): Record<string, unknown> {
  const { from, to, total, folders, requests, leftOut, storedBytes } = plan;
  return {
    from,
    to,
    total,
    folders: folders.map(({ folder, row }) => ({ folder, ...row })),
    leftOut,
    skippedEntries: plan.skippedEntries.length,
    unreadable: plan.unreadable.length,
    requests,
    storedBytes,
    cost,
  };
}
