import { Command } from "@commander-js/extra-typings";
import { toolVersion } from "../version.ts";
import { benchCommand } from "./commands/bench.ts";
import { calibrateCommand } from "./commands/calibrate.ts";
import { classifyCommand } from "./commands/classify.ts";
import { dataCommand } from "./commands/data.ts";
import { demoCommand } from "./commands/demo.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { pairCommand } from "./commands/pair.ts";
import { planCommand } from "./commands/plan.ts";
import { quantizeCommand } from "./commands/quantize.ts";
import { verifyCommand } from "./commands/verify.ts";
import { examples } from "./options.ts";

/** The command line, ready to parse. */
export function createProgram(): Command {
  const program = new Command("twindnn")
    .description(
      "Pair an accurate image classifier with a compressed one: its accuracy, with a guarantee, at several times its speed.",
    )
    .version(toolVersion)
    .addHelpText(
      "after",
      examples(
        "demo",
        "classify models/fashion-mnist/twin photo.png --top 3",
        "calibrate my-twin --data photos/ --max-drop 0.5%",
      ),
    )
    .showHelpAfterError("(add --help for the options)");
  for (const command of commands()) program.addCommand(command);
  for (const command of [program, ...program.commands]) command.exitOverride();
  return program as Command;
}

const commands = () => [
  classifyCommand(),
  pairCommand(),
  quantizeCommand(),
  calibrateCommand(),
  evaluateCommand(),
  benchCommand(),
  planCommand(),
  inspectCommand(),
  verifyCommand(),
  dataCommand(),
  demoCommand(),
];
