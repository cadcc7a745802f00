import { Command, Option } from "@commander-js/extra-typings";
import { readTwin } from "../../twin/index.ts";
import { runBench } from "../benching.ts";
import { openSelection } from "../images.ts";
import { examples, options, withSelection } from "../options.ts";
import { parseCount, parsePositive } from "../parse.ts";
import { interruptible } from "../run.ts";
import { Terminal } from "../terminal.ts";
import { readPlan } from "../twins.ts";

export const benchCommand = () =>
  withSelection(
    new Command("bench")
      .description("Measure original, int8 original, compressed network and twin in turn, each at its best setting.")
      .argument("<twin>", "the twin's folder")
      .addOption(options.data()),
  )
    .addOption(new Option("--report <file.html>", "write one page that opens without a network"))
    .addOption(options.json())
    .addOption(
      new Option("--rounds <n>", "rounds, 5 at least to say something about the spread")
        .argParser(parseCount(1))
        .default(5),
    )
    .addOption(new Option("--seconds <s>", "length of a sample").argParser(parsePositive).default(1))
    .addOption(options.plan())
    .addOption(options.isolation())
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText(
      "after",
      examples("bench my-twin --data test.tar.gz --shuffle 1 --skip 5000 --report report.html --json result.json"),
    )
    .action((path, flags) =>
      interruptible(async (signal) => {
        const folder = await readTwin(path);
        const images = await openSelection(flags, signal, folder.manifest.labels);
        const { rounds, seconds, isolation } = flags;
        const plan = await readPlan(flags.plan);
        await runBench(new Terminal(flags), folder, images, flags, { rounds, seconds, isolation, plan, signal });
      }),
    );
