import { type BenchOptions, type BenchResult, type BenchStep, benchTwin } from "../bench/index.ts";
import type { ImageSource } from "../data/index.ts";
import { writeWhole } from "../files.ts";
import { resultText } from "../report/tables.ts";
import type { TwinFolder } from "../twin/index.ts";
import { print, type Terminal } from "./terminal.ts";
import { proveWritable } from "./writable.ts";

/** Where a bench writes its result, besides the table on stdout. */
export interface BenchOutputs {
  readonly report?: string | undefined;
  /** `true`: to stdout, instead of the table. */
  readonly json?: string | true | undefined;
}

const steps: Readonly<Record<BenchStep, string>> = {
  answers: "answering all images with all networks",
  plans: "finding the best setting of each system",
  memory: "measuring peak memory",
  rounds: "measuring in turn",
};

/** Measures a twin, shows how far it is, and writes the result; the JSON file after each round. */
export async function runBench(
  terminal: Terminal,
  folder: TwinFolder,
  images: ImageSource,
  { report, json }: BenchOutputs,
  options: Omit<BenchOptions, "command" | "onStep" | "onRound" | "save">,
): Promise<BenchResult> {
  await proveWritable(report, json);
  const saveTo = typeof json === "string" ? json : undefined;
  const progress = terminal.progress("rounds", undefined);
  try {
    const result = await benchTwin(folder, images, {
      ...options,
      command: ["twindnn", ...process.argv.slice(2)].join(" "),
      onStep: (step) => terminal.note(`${steps[step]} ...`),
      onRound: (done, total) => progress.set(done, total),
      save: async (soFar) => {
        if (saveTo !== undefined) await writeWhole(saveTo, toJson(soFar));
      },
    });
    progress.stop();
    if (saveTo !== undefined) await writeWhole(saveTo, toJson(result));
    if (report !== undefined) await writeReport(report, result);
    print(json === true ? toJson(result) : resultText(result));
    return result;
  } finally {
    progress.stop();
  }
}

/** The plots are loaded when a page is wanted, not before: they take longer to load than most commands to run. */
async function writeReport(path: string, result: BenchResult): Promise<void> {
  const { htmlReport } = await import("../report/index.ts");
  await writeWhole(path, htmlReport(result));
}

const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
