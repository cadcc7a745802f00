import { type Command, Option, type OptionValues } from "@commander-js/extra-typings";
import { canaryKinds } from "../twin/canaries.ts";
import { parseCount, parseFraction } from "./parse.ts";

/** Options that several commands share, so that each reads and works the same everywhere. */
export const options = {
  data: () =>
    new Option(
      "--data <images>",
      "images: a folder, file, glob, tar, .npz, idx or CIFAR-10 batches",
    ).makeOptionMandatory(),
  preprocess: () =>
    new Option("--preprocess <preset>", "a preset, a JSON file, or a preprocessor_config.json").makeOptionMandatory(),
  split: () =>
    new Option("--split <part>", "of a data set that holds several").choices(["train", "test", "val"] as const),
  take: () => new Option("--take <n>", "use only n images: the first, or drawn by --shuffle").argParser(parseCount(1)),
  skip: () => new Option("--skip <n>", "leave out n images: the first, or drawn by --shuffle").argParser(parseCount(0)),
  shuffle: () =>
    new Option(
      "--shuffle <seed>",
      "draw --take and --skip at random from this seed, instead of the first images",
    ).argParser(parseCount(0)),
  labels: () => new Option("--labels <file>", "class names, one a line, in the order of the network's outputs"),
  labelled: () =>
    new Option("--labelled <file.csv>", "classes of some of the images (file,class), such as a filled-in --to-label"),
  toLabel: () =>
    new Option("--to-label <file.csv>", "list the images whose class a promise on the drop lacks, most useful first"),
  canaries: () =>
    new Option(
      "--canaries <kind>",
      "what the twin carries to check machines by: 64 of the images that calibrate, or generated pictures",
    )
      .choices(canaryKinds)
      .default("images" as const),
  weightBits: () =>
    new Option(
      "--weight-bits <n>",
      "bits of weights in int8, 2 to 8: 7 suit every CPU, 8 those with VNNI (default: what suits this one)",
    ).argParser(parseCount(2, 8)),
  json: () => new Option("--json [file]", "write the result as JSON, to a file or to stdout"),
  quiet: () => new Option("-q, --quiet", "no notes and no progress"),
  debug: () => new Option("--debug", "show stack traces"),
  force: () => new Option("--force", "replace the output if it exists").default(false),
  plan: () => new Option("--plan <file>", "lanes and batch sizes to use (JSON), instead of measuring them"),
  isolation: () =>
    new Option("--isolation <kind>", "where lanes run: worker threads, or processes that survive a crash")
      .choices(["thread", "process"] as const)
      .default("thread" as const),
  maxDrop: () => new Option("--max-drop <share>", "accuracy that may be lost; needs labels").argParser(parseFraction),
  minAgreement: () =>
    new Option("--min-agreement <share>", "answers that must be the original's; needs no labels (default: 98%)")
      .argParser(parseFraction)
      .conflicts("maxDrop"),
  probability: () =>
    new Option("--probability <share>", "with which the promise holds").argParser(parseFraction).default(0.95, "95%"),
};

/** Help shown after a command's options. */
export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ twindnn ${line}`).join("\n")}\n`;

/** Adds the options that say which images of `--data` to use. */
export const withSelection = <Arguments extends unknown[], Values extends OptionValues, Globals extends OptionValues>(
  command: Command<Arguments, Values, Globals>,
) =>
  command.addOption(options.split()).addOption(options.take()).addOption(options.skip()).addOption(options.shuffle());
