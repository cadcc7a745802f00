import { Command, Option } from "@commander-js/extra-typings";
import { cpuClass } from "../../lanes/index.ts";
import { readTwin, type Verification, verifyTwin } from "../../twin/index.ts";
import { openSelection } from "../images.ts";
import { writeJson } from "../json.ts";
import { examples, options, withSelection } from "../options.ts";
import { interruptible } from "../run.ts";
import { print, Terminal } from "../terminal.ts";
import { verificationText } from "../verification-text.ts";

export const verifyCommand = () =>
  withSelection(
    new Command("verify")
      .description("Does the guarantee still hold on this machine? Exit code 1 if not.")
      .argument("<twin>", "the twin's folder")
      .addOption(
        new Option("--data <images>", "prove the promise again on these images, not only on the twin's canaries"),
      ),
  )
    .addOption(options.json())
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText("after", examples("verify my-twin", "verify my-twin --data new-photos/"))
    .action((path, flags) =>
      interruptible(async (signal) => {
        const { manifest } = await readTwin(path);
        const { data } = flags;
        const images =
          data === undefined ? undefined : await openSelection({ ...flags, data }, signal, manifest.labels);
        const progress = new Terminal(flags).progress("answering", images?.count);
        try {
          const result = await verifyTwin(path, images, { signal, onProgress: (count) => progress.advance(count) });
          progress.stop();
          if (flags.json !== undefined) await writeJson(flags.json, jsonOf(result));
          if (flags.json !== true) print(verificationText(result));
          if (!result.holds) process.exitCode = 1;
        } finally {
          progress.stop();
        }
      }),
    );

function jsonOf({ guarantee, canaries, images, holds }: Verification): unknown {
  const { evaluation, known, proven, problem } = images ?? {};
  return {
    guarantee,
    canaries,
    holds,
    cpuClass: cpuClass(),
    images: images && { ...evaluation, known, proven, problem },
  };
}
