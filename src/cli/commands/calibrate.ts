import { basename, resolve } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { withOriginalInt8 } from "../../compress/index.ts";
import { labelList, refuseFilledList } from "../../data/index.ts";
import { writeWhole } from "../../files.ts";
import {
  type CalibrateResult,
  calibrateTwin,
  confidenceMeasures,
  partsOf,
  readTwinToChange,
  summaryOf,
} from "../../twin/index.ts";
import { calibrationText, learnedText } from "../calibration-text.ts";
import { labelledBy, openSelection } from "../images.ts";
import { writeJson } from "../json.ts";
import { examples, options, withSelection } from "../options.ts";
import { parseCount } from "../parse.ts";
import { promiseOf } from "../promise.ts";
import { interruptible } from "../run.ts";
import { print, Terminal } from "../terminal.ts";
import { proveWritable } from "../writable.ts";

export const calibrateCommand = () =>
  withSelection(
    new Command("calibrate")
      .description("Prove a threshold on images that neither network was trained on, and store it with its guarantee.")
      .argument("<twin>", "the twin's folder")
      .addOption(options.data())
      .addOption(options.maxDrop())
      .addOption(options.minAgreement())
      .addOption(options.probability())
      .addOption(
        new Option("--selection <images>", "images that place the thresholds to test (default: a sixth of --data)"),
      )
      .addOption(
        new Option("--second <stage>", "where escalations may go first, if that is cheaper")
          .choices(["original", "original-int8"] as const)
          .default("original" as const),
      )
      .addOption(
        new Option(
          "--confidence <measure>",
          "what a threshold is put on; temperatures are fitted on the selection images (default: the twin's, margin at first)",
        ).choices(confidenceMeasures),
      )
      .addOption(new Option("--worst-class", "promise for each class on its own").default(false))
      .addOption(new Option("--seed <n>", "decides the parts").argParser(parseCount(0)).default(0)),
  )
    .addOption(options.canaries())
    .addOption(options.labelled())
    .addOption(options.toLabel())
    .addOption(new Option("--report <file.html>", "plot accuracy, agreement, escalation and speed over the threshold"))
    .addOption(options.json())
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText(
      "after",
      examples(
        "calibrate my-twin --data photos/ --min-agreement 99%",
        "calibrate my-twin --data test.tar.gz --shuffle 1 --take 5000 --max-drop 0.5%",
        "calibrate my-twin --data photos/ --confidence tempered --json calibration.json",
        "calibrate my-twin --data photos/ --to-label list.csv",
        "calibrate my-twin --data photos/ --labelled list.csv --max-drop 0.5%",
      ),
    )
    .action((path, flags) =>
      interruptible(async (signal) => {
        const terminal = new Terminal(flags);
        const folder = await readTwinToChange(path);
        const { manifest } = folder;
        const promise = promiseOf(flags);
        await proveWritable(flags.report, flags.toLabel, flags.json);
        if (flags.toLabel !== undefined) await refuseFilledList(flags.toLabel);
        const images = await labelledBy(
          flags.labelled,
          await openSelection(flags, signal, manifest.labels),
          manifest.labels,
        );
        const parts =
          flags.selection === undefined
            ? await partsOf(images, flags.seed)
            : {
                selection: await openSelection({ data: flags.selection }, signal, manifest.labels),
                calibration: images,
              };
        const trySecond = flags.second === "original-int8";
        const progress = terminal.progress("answering", total(parts.selection.count, parts.calibration.count));
        const calibrate = () =>
          calibrateTwin(path, parts.calibration, {
            promise,
            selection: parts.selection,
            seed: flags.seed,
            trySecond,
            worstClass: flags.worstClass,
            confidence: flags.confidence,
            canaries: flags.canaries,
            signal,
            onProgress: (count) => progress.advance(count),
          });
        const lacksInt8 = trySecond && manifest.networks["original-int8"] === undefined;
        if (lacksInt8) terminal.note("making the int8 original from the selection images");
        try {
          const result = lacksInt8
            ? await withOriginalInt8(folder, parts.selection, { signal }, calibrate)
            : await calibrate();
          progress.stop();
          for (const { error } of result.failures) terminal.warn(error.message);
          if (result.learned !== undefined) terminal.warn(learnedText(result.learned));
          if (flags.report !== undefined) await writeReport(flags.report, path, result);
          if (flags.toLabel !== undefined) await writeWhole(flags.toLabel, labelList(result.toLabel));
          if (flags.json !== undefined) await writeJson(flags.json, jsonOf(basename(resolve(path)), result));
          if (flags.json !== true) print(calibrationText(result));
        } finally {
          progress.stop();
        }
      }),
    );

/** What was found, under the names of bench's JSON. */
function jsonOf(name: string, { manifest, calibration, cost }: CalibrateResult): unknown {
  const { guarantee, threshold, secondThreshold, secondStage, ladder } = manifest;
  const { escalationRate, drop, agreement, bound } = calibration.chosen;
  return {
    twin: summaryOf(name, manifest),
    guarantee,
    threshold,
    secondThreshold,
    secondStage,
    escalationRate,
    ...(drop !== undefined && { drop: { value: drop } }),
    agreement,
    bound,
    speedUp: 1 / cost,
    ladder,
  };
}

const total = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

/** The plots take longer to load than most commands to run, so they are loaded when they are wanted. */
async function writeReport(file: string, path: string, result: CalibrateResult): Promise<void> {
  const { calibrationReport } = await import("../../report/index.ts");
  await writeWhole(file, calibrationReport(basename(resolve(path)), result));
}
