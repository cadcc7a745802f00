import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, Option } from "@commander-js/extra-typings";
import { openImages } from "../../data/index.ts";
import { InputError } from "../../errors.ts";
import { readTwin } from "../../twin/index.ts";
import { runBench } from "../benching.ts";
import { examples, options } from "../options.ts";
import { interruptible } from "../run.ts";
import { Terminal } from "../terminal.ts";

/** The embedded pair, in the package. */
const pair = fileURLToPath(new URL("../../../models/fashion-mnist/", import.meta.url));

export const demoCommand = () =>
  new Command("demo")
    .description("The main job on the embedded pair and 2,000 real photographs, in under a minute, without a network.")
    .addOption(new Option("--report <file.html>", "where to write the report").default("twindnn-demo.html"))
    .addOption(options.json())
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText("after", examples("demo", "demo --report /tmp/report.html"))
    .action((flags) =>
      interruptible(async (signal) => {
        if (!existsSync(pair)) throw new InputError(pair, "the embedded pair is missing; install the package again");
        const terminal = new Terminal(flags);
        const folder = await readTwin(`${pair}twin`);
        const images = await openImages(`${pair}test.npz`, { labels: folder.manifest.labels });
        const scenarios = ["single-stream"] as const;
        await runBench(terminal, folder, images, flags, {
          rounds: 5,
          seconds: 0.3,
          scenarios,
          planning: "usual",
          signal,
        });
        terminal.note(`\nthe report is in ${flags.report}; open it in a browser`);
      }),
    );
