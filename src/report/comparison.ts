import { pairedRatio } from "../bench/statistics.ts";
import { type BenchResult, type Measured, type SystemName, type SystemResult, systemNames } from "../bench/types.ts";
import { percent, significant, systemTitles, times, whole } from "./figures.ts";

/** A table before it gets a form: the first column holds names, the others figures. */
export interface Table {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A column: its heading, and what it says of a row; undefined where there is nothing to say. */
interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string | undefined;
}

export interface NamedSystem {
  readonly name: SystemName;
  readonly system: SystemResult;
}

/** The measured systems, in the order of `systemNames`. */
export function systemsOf({ systems }: BenchResult): NamedSystem[] {
  return systemNames.flatMap((name) => {
    const system = systems[name];
    return system === undefined ? [] : [{ name, system }];
  });
}

/** How much faster a system is than the original in float32, round by round. */
export function speedUpOf({ systems }: BenchResult, { imagesPerSecond }: SystemResult): Measured {
  return pairedRatio(imagesPerSecond.samples, systems["original-float32"]!.imagesPerSecond.samples);
}

/** What each system answers, how many images a second, and with how much memory. */
export function throughputTable(result: BenchResult): Table {
  return tableOf(systemsOf(result), [
    { heading: "system", cell: ({ name }) => systemTitles[name] },
    { heading: "accuracy", cell: ({ system }) => maybe(system.accuracy, (accuracy) => percent(accuracy, 2)) },
    { heading: "agreement", cell: ({ system }) => percent(system.agreement, 2) },
    { heading: "images/s", cell: ({ system }) => whole(system.imagesPerSecond.median) },
    { heading: "speed-up", cell: ({ system }) => times(speedUpOf(result, system).median) },
    { heading: "min to max", cell: ({ system }) => spread(speedUpOf(result, system)) },
    { heading: "from files", cell: ({ system }) => maybe(system.fromFiles?.imagesPerSecond.median, whole) },
    { heading: "decoding", cell: ({ system }) => maybe(system.fromFiles?.decodingShare, (share) => percent(share, 0)) },
    { heading: "MiB", cell: ({ system }) => maybe(system.peakMemoryMiB, whole) },
  ]);
}

/** How many milliseconds one waits for an answer; only names when neither scenario was measured. */
export function latencyTable(result: BenchResult): Table {
  const servers = systemsOf(result)[0]?.system.server ?? [];
  return tableOf(systemsOf(result), [
    { heading: "latency in ms", cell: ({ name }) => systemTitles[name] },
    { heading: "one by one p50", cell: ({ system }) => maybe(system.latencyMs?.p50, significant) },
    { heading: "p90", cell: ({ system }) => maybe(system.latencyMs?.p90, significant) },
    { heading: "p99", cell: ({ system }) => maybe(system.latencyMs?.p99, significant) },
    ...servers.flatMap(({ load }, place) => serverColumns(load, place)),
  ]);
}

function serverColumns(load: number, place: number): Column<NamedSystem>[] {
  const cell =
    (percentile: "p50" | "p99") =>
    ({ system }: NamedSystem) =>
      maybe(system.server[place]?.latencyMs[percentile], significant);
  return [
    { heading: `${percent(load, 0)} load p50`, cell: cell("p50") },
    { heading: "p99", cell: cell("p99") },
  ];
}

const maybe = <Value>(value: Value | undefined, write: (value: Value) => string): string | undefined =>
  value === undefined ? undefined : write(value);

const spread = ({ min, max }: Measured): string => `${min.toFixed(2)} to ${max.toFixed(2)}`;

/** Columns that say nothing of any row are left out. */
function tableOf<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Table {
  const cells = columns.map((column) => rows.map((row) => column.cell(row)));
  const kept = [...columns.keys()].filter((place) => cells[place]!.some((cell) => cell !== undefined));
  return {
    headings: kept.map((place) => columns[place]!.heading),
    rows: rows.map((_, row) => kept.map((place) => cells[place]![row] ?? "")),
  };
}
