import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import {
  type CompressOptions,
  type CompressResult,
  compress,
  type OnProgress,
  recipeNames,
  workPath,
} from "../../compress/index.ts";
import { type ImageSource, labelList, loadPreprocessing, readLabels, refuseFilledList } from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import { writeWhole } from "../../files.ts";
import { compressionText } from "../compression-text.ts";
import { labelledBy, openSelection } from "../images.ts";
import { writeJson } from "../json.ts";
import { examples, options, withSelection } from "../options.ts";
import { parseBytes, parseCount, parseDuration, parsePositive, parseShare } from "../parse.ts";
import { promiseOf } from "../promise.ts";
import { interruptible } from "../run.ts";
import { type Progress, print, Terminal } from "../terminal.ts";
import { proveWritable } from "../writable.ts";

export const compressCommand = () =>
  withSelection(
    new Command("compress")
      .description("Make a twin of an ONNX classifier: its compressed network, and a threshold with a guarantee.")
      .argument("<model.onnx>", "the classifier to compress")
      .addOption(options.data())
      .addOption(options.preprocess())
      .addOption(options.labels())
      .addOption(new Option("-o, --output <twin>", "folder to make").makeOptionMandatory())
      .addOption(
        new Option("--recipe <recipe>", "how to compress; auto chooses by what the images allow")
          .choices(["auto", ...recipeNames] as const)
          .default("auto" as const),
      )
      .addOption(
        new Option("--budget <time>", "time that the run may take, such as 15m")
          .argParser(parseDuration)
          .default(1800, "30m"),
      )
      .addOption(
        new Option(
          "--speed-up <times>",
          "the compressed network alone is at least so many times as fast here",
        ).argParser(parsePositive),
      )
      .addOption(new Option("--macs <share>", "at most this share of the multiply-adds").argParser(parseShare))
      .addOption(
        new Option("--size <bytes>", "at most so many bytes of weights in int8, such as 500kB").argParser(parseBytes),
      )
      .addOption(options.maxDrop())
      .addOption(options.minAgreement())
      .addOption(options.probability())
      .addOption(new Option("--calibrate-on <images>", "other images to calibrate on, instead of a part of --data"))
      .addOption(options.weightBits())
      .addOption(new Option("--no-flip", "a mirrored picture does not show the same class"))
      .addOption(new Option("--seed <n>", "decides parts, weights and order").argParser(parseCount(0)).default(0))
      .addOption(
        new Option("--work <folder>", "keep what is finished here (default: <twin>.work, removed at the end)"),
      ),
  )
    .addOption(options.canaries())
    .addOption(options.labelled())
    .addOption(options.toLabel())
    .addOption(options.force())
    .addOption(new Option("--report <file.html>", "show networks, training, layers, the twin over the threshold"))
    .addOption(options.json())
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText(
      "after",
      examples(
        "compress resnet56.onnx --data photos/ --preprocess cifar10 --max-drop 0.5% --budget 1h -o my-twin",
        "compress model.onnx --data photos/ --preprocess imagenet --recipe int8 --min-agreement 97% -o my-twin",
      ),
    )
    .addHelpText("after", "\nAn interrupted run goes on when the same command is given again.\n")
    .action((path, flags) =>
      interruptible(async (signal) => {
        const terminal = new Terminal(flags);
        await proveWritable(flags.report, flags.toLabel, flags.json);
        if (flags.toLabel !== undefined) await refuseFilledList(flags.toLabel);
        const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
        const classed = (source: ImageSource) => labelledBy(flags.labelled, source, labels ?? classesOf(source));
        const images = await openSelection(flags, signal, labels);
        const { calibrateOn, speedUp, macs, size } = flags;
        const calibration =
          calibrateOn === undefined ? undefined : await openSelection({ data: calibrateOn }, signal, labels);
        const request: CompressOptions = {
          original: path,
          preprocessing: loadPreprocessing(flags.preprocess),
          images: flags.labelled !== undefined && calibration === undefined ? await classed(images) : images,
          calibration: flags.labelled !== undefined && calibration ? await classed(calibration) : calibration,
          labels: labels ?? images.classes,
          output: flags.output,
          replace: flags.force,
          promise: promiseOf(flags),
          recipe: flags.recipe,
          target: { speedUp, macs, size },
          budget: flags.budget,
          seed: flags.seed,
          flip: flags.flip,
          weightBits: flags.weightBits,
          canaries: flags.canaries,
          work: flags.work,
          keepWork: flags.work !== undefined,
          signal,
        };
        const result = await withProgress(terminal, (onProgress) =>
          compress({ ...request, onProgress, onNote: (note) => terminal.note(note) }),
        ).catch((error: unknown) => {
          if (signal.aborted) noteRest(request, terminal);
          throw error;
        });
        const { calibrated, ...rest } = result;
        if (flags.toLabel !== undefined) await writeWhole(flags.toLabel, labelList(calibrated.toLabel));
        if (flags.report !== undefined) await writeReport(flags.report, flags.output, result);
        if (flags.json !== undefined)
          await writeJson(flags.json, { ...rest, guarantee: calibrated.manifest.guarantee });
        if (flags.json !== true) print(compressionText(flags.output, result));
      }),
    );

/** Says what an interruption leaves. */
function noteRest(request: CompressOptions, terminal: Terminal): void {
  const work = workPath(request);
  if (existsSync(work)) terminal.note(`What is finished is kept in ${work}; the same command goes on from there.`);
}

function classesOf({ name, classes }: ImageSource): readonly string[] {
  if (classes !== undefined) return classes;
  throw new UsageError(`${name}: its images have no classes; --labelled needs their names, give them with --labels`);
}

/** The plots take longer to load than most commands to run, so they are loaded when they are wanted. */
async function writeReport(file: string, output: string, result: CompressResult): Promise<void> {
  const { compressionReport } = await import("../../report/index.ts");
  await writeWhole(file, compressionReport(basename(resolve(output)), result));
}

/** Shows one bar after another, a bar a step. */
async function withProgress<T>(terminal: Terminal, work: (onProgress: OnProgress) => Promise<T>): Promise<T> {
  let shown: { step: string; bar: Progress } | undefined;
  try {
    return await work((step, done, total) => {
      if (shown?.step !== step) {
        shown?.bar.stop();
        shown = { step, bar: terminal.progress(step, total) };
      }
      shown.bar.set(done, total);
    });
  } finally {
    shown?.bar.stop();
  }
}
