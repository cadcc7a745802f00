import { styleText } from "node:util";
import { Command, Option } from "@commander-js/extra-typings";
import { printable } from "../../errors.ts";
import { percent } from "../../report/figures.ts";
import { type Classification, type ClassificationFailure, Twin } from "../../twin/index.ts";
import { openSelection } from "../images.ts";
import { examples, options, withSelection } from "../options.ts";
import { parseCount } from "../parse.ts";
import { interruptible } from "../run.ts";
import { print, Terminal } from "../terminal.ts";
import { readPlan, reportMismatch } from "../twins.ts";

type Result = Classification | ClassificationFailure;

export const classifyCommand = () =>
  withSelection(
    new Command("classify")
      .description("Say what is on images, one line each, in the order given.")
      .argument("<twin>", "the twin's folder")
      .argument("<images...>", 'files, folders, globs, archives, or "-" for a list of paths, or an image, on stdin'),
  )
    .addOption(new Option("--json", "one JSON object a line").conflicts("csv"))
    .addOption(new Option("--csv", "comma-separated values with a heading"))
    .addOption(new Option("--top <n>", "show the n likeliest classes").argParser(parseCount(1)).default(1))
    .addOption(options.plan())
    .addOption(options.isolation())
    .addOption(new Option("--deterministic", "one batch size, so that batching never changes an answer").default(false))
    .addOption(
      new Option("--on-mismatch <action>", "when this machine's answers differ from the calibrated ones")
        .choices(["refuse", "original-only"] as const)
        .default("refuse" as const),
    )
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText(
      "after",
      examples(
        "classify models/fashion-mnist/twin photo.png --top 3",
        'classify my-twin "photos/**/*.jpg" --csv > answers.csv',
      ),
    )
    .action((path, images, flags) =>
      interruptible(async (signal) => {
        const terminal = new Terminal(flags);
        const plan = await readPlan(flags.plan);
        const opening = openSelection({ ...flags, data: images }, signal);
        opening.catch(() => {}); // awaited below: an archive is listed while the networks are loaded
        const { isolation, deterministic, onMismatch } = flags;
        await using twin = await Twin.load(path, { isolation, deterministic, onMismatch, plan, signal });
        const source = await opening;
        reportMismatch(terminal, twin);
        const write = writers[flags.json ? "json" : flags.csv ? "csv" : "text"](flags.top);
        const progress = terminal.progressBesideResults("classifying", source.count);
        let failures = 0;
        try {
          for await (const result of twin.classifyAll(source, { signal })) {
            progress.advance();
            write(result);
            if ("error" in result) failures++;
          }
        } finally {
          progress.stop();
        }
        if (failures > 0) {
          terminal.warn(`${failures} ${failures === 1 ? "image was" : "images were"} not answered`);
          process.exitCode = 1;
        }
      }),
    );

const writers = {
  json: (top: number) => (result: Result) => print(JSON.stringify(jsonOf(result, top))),
  csv: (top: number) => {
    print(["image", "class", "label", "probability", "confidence", "answeredBy", "error"].join(","));
    return (result: Result) => {
      for (const row of csvRows(result, top)) print(row.map(csvField).join(","));
    };
  },
  text: (top: number) => (result: Result) => print(textOf(result, top)),
};

function jsonOf(result: Result, top: number) {
  if ("error" in result) return { image: result.name, error: result.error.message };
  const { name, class: winner, label, confidence, answeredBy } = result;
  return { image: name, class: winner, label, confidence, answeredBy, top: result.top(top) };
}

function csvRows(result: Result, top: number): (string | number)[][] {
  if ("error" in result) return [[result.name, "", "", "", "", "", result.error.message]];
  return result
    .top(top)
    .map((guess) => [
      result.name,
      guess.class,
      guess.label,
      guess.probability.toFixed(4),
      result.confidence.toFixed(4),
      result.answeredBy,
      "",
    ]);
}

/** Quotes a field where RFC 4180 asks for it. */
function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What is wrong with an image, without its name, which stands before it. */
const problemOf = ({ name, error: { message } }: ClassificationFailure): string =>
  message.startsWith(`${printable(name)}: `) ? message.slice(printable(name).length + 2) : message;

function textOf(result: Result, top: number): string {
  if ("error" in result) return `${printable(result.name)}  ${styleText("red", problemOf(result))}`;
  const guesses = result.top(top).map(({ label, probability }) => `${label} ${percent(probability)}`);
  const shown = [styleText("bold", guesses[0]!), ...guesses.slice(1)].join(", ");
  return `${printable(result.name)}  ${shown}  ${styleText("dim", result.answeredBy)}`;
}
