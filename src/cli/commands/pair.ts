import { Command, Option } from "@commander-js/extra-typings";
import { loadPreprocessing, readLabels } from "../../data/index.ts";
import { pairTwin } from "../../twin/index.ts";
import { examples, options } from "../options.ts";
import { Terminal } from "../terminal.ts";

export const pairCommand = () =>
  new Command("pair")
    .description("Make a twin of two ONNX classifiers: an accurate one and a fast one.")
    .addOption(new Option("--original <model.onnx>", "the accurate network").makeOptionMandatory())
    .addOption(new Option("--compressed <model.onnx>", "the fast network").makeOptionMandatory())
    .addOption(new Option("--original-int8 <model.onnx>", "the accurate network in int8, as a second stage to try"))
    .addOption(options.preprocess())
    .addOption(options.labels())
    .addOption(new Option("-o, --output <twin>", "folder to make").makeOptionMandatory())
    .addOption(options.force())
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText(
      "after",
      examples(
        "pair --original resnet56.onnx --compressed resnet20.onnx --preprocess cifar10 --labels labels.txt -o my-twin",
      ),
    )
    .action(async (flags) => {
      const terminal = new Terminal(flags);
      const notes = await pairTwin({
        original: flags.original,
        compressed: flags.compressed,
        originalInt8: flags.originalInt8,
        preprocessing: loadPreprocessing(flags.preprocess),
        labels: flags.labels === undefined ? undefined : await readLabels(flags.labels),
        output: flags.output,
        replace: flags.force,
      });
      for (const note of notes) terminal.note(note);
      terminal.note(
        `made ${flags.output}; it escalates every image until "twindnn calibrate ${flags.output} --data <images>" has run`,
      );
    });
