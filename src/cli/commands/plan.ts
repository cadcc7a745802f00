import { availableParallelism } from "node:os";
import { Command, Option } from "@commander-js/extra-typings";
import { LaneError, UsageError } from "../../errors.ts";
import { writeWhole } from "../../files.ts";
import { availableLanes, type DeviceKind, deviceKinds } from "../../lanes/index.ts";
import { significant } from "../../report/figures.ts";
import { terminalTable } from "../../report/tables.ts";
import { cascadeOf, makePlan, networkNames, networkOf, type PlanResult, readTwin } from "../../twin/index.ts";
import { examples, options } from "../options.ts";
import { parseCount } from "../parse.ts";
import { interruptible } from "../run.ts";
import { print, Terminal } from "../terminal.ts";
import { proveWritable } from "../writable.ts";

export const planCommand = () =>
  new Command("plan")
    .description("Measure how best to run a twin on this machine: lanes, threads, batch sizes.")
    .argument("<twin>", "the twin's folder")
    .addOption(
      new Option("--goal <goal>", "most images a second, or the shortest wait")
        .choices(["throughput", "latency"] as const)
        .default("throughput" as const),
    )
    .addOption(new Option("--cores <n>", "cores to use (default: all that this process may)").argParser(parseCount(1)))
    .addOption(new Option("--device <kind>", "try the lane of a device too").choices(deviceKinds))
    .addOption(options.isolation())
    .addOption(new Option("-o, --output <file.json>", "store the plan, for --plan"))
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText("after", examples("plan my-twin -o plan.json", "classify my-twin photos/ --plan plan.json"))
    .action((path, { goal, cores, device, isolation, output, quiet }) =>
      interruptible(async (signal) => {
        const terminal = new Terminal({ quiet });
        if (cores !== undefined) refuseMoreCores(cores);
        await proveWritable(output);
        const folder = await readTwin(path);
        if (device !== undefined) await requireDevice(device);
        const rung = folder.manifest.ladder.at(-1);
        const result = await makePlan({
          networks: networkNames(cascadeOf(folder.manifest)).map((name) => networkOf(folder, name)),
          escalationRate: rung?.escalationRate ?? 1,
          lastRate: rung?.originalRate ?? 1,
          goal,
          isolation,
          signal,
          onProgress: (arrangement) => terminal.note(`measured ${arrangement}`),
          ...(cores === undefined ? {} : { budget: cores }),
          ...(device === undefined ? {} : { device }),
        });
        if (output !== undefined) await writeWhole(output, `${JSON.stringify(result.plan, null, 2)}\n`);
        print(sweepText(result));
      }),
    );

function refuseMoreCores(cores: number): void {
  const allowed = availableParallelism();
  if (cores <= allowed) return;
  throw new UsageError(`--cores ${cores}: this process may run on ${allowed}; ask for ${allowed} at most`);
}

/** Throws LaneError when the device is not there, with those that are. */
async function requireDevice(device: DeviceKind): Promise<void> {
  const there = (await availableLanes()).filter(({ available }) => available).map(({ kind }) => kind);
  if (there.includes(device)) return;
  throw new LaneError(
    `--device ${device}: not usable on this machine; usable: ${there.join(", ")}. Leave --device out`,
  );
}

function sweepText({ goal, rows, plan }: PlanResult): string {
  const figure = (value: number | undefined): string => {
    if (value === undefined) return "";
    return goal === "throughput" ? significant(value) : significant(1000 * value);
  };
  const unit = goal === "throughput" ? "images/s" : "ms";
  const table = terminalTable({
    headings: ["arrangement", `predicted ${unit}`, `measured ${unit}`],
    rows: rows.map(({ arrangement, predicted, measured }) => [arrangement, figure(predicted), figure(measured)]),
  });
  const batches = Object.entries(plan.batch).map(([network, size]) => `${network} ${size}`);
  return `${table}\nchosen: the first, with batches of ${batches.join(", ")}`;
}
