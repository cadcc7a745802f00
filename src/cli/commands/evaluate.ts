import { basename, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { evaluateImages, readTwin } from "../../twin/index.ts";
import { evaluationJson } from "../evaluation-json.ts";
import { evaluationText } from "../evaluation-text.ts";
import { openSelection } from "../images.ts";
import { writeJson } from "../json.ts";
import { examples, options, withSelection } from "../options.ts";
import { interruptible } from "../run.ts";
import { print, Terminal } from "../terminal.ts";
import { proveWritable } from "../writable.ts";

export const evaluateCommand = () =>
  withSelection(
    new Command("evaluate")
      .description("Accuracy, agreement, escalation and recovery on images that did not calibrate; no timing.")
      .argument("<twin>", "the twin's folder")
      .addOption(options.data()),
  )
    .addOption(options.json())
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText("after", examples("evaluate my-twin --data test.tar.gz --shuffle 1 --skip 5000"))
    .action((path, flags) =>
      interruptible(async (signal) => {
        const terminal = new Terminal(flags);
        const folder = await readTwin(path);
        await proveWritable(flags.json);
        const images = await openSelection(flags, signal, folder.manifest.labels);
        const progress = terminal.progress("answering", images.count);
        try {
          const result = await evaluateImages(folder, images, {
            signal,
            onProgress: (count) => progress.advance(count),
          });
          progress.stop();
          for (const { error } of result.failures) terminal.warn(error.message);
          if (result.known > 0)
            terminal.warn(
              `${result.known} of these images calibrated the twin or trained its compressed network: the figures flatter it`,
            );
          if (flags.json !== undefined) {
            const { evaluation } = result;
            await writeJson(flags.json, evaluationJson(nameOf(path), folder.manifest, nameOf(images.name), evaluation));
          }
          if (flags.json !== true) print(evaluationText(result.evaluation));
          if (result.failures.length > 0) process.exitCode = 1;
        } finally {
          progress.stop();
        }
      }),
    );

const nameOf = (path: string): string => basename(resolve(path));
