import { Command } from "@commander-js/extra-typings";
import { toolVersion } from "../version.ts";
import { examples } from "./options.ts";

/** Makers of the commands, in the order of the help; each is loaded when it is wanted, so that the others cost no time. */
const commands = {
  classify: async () => (await import("./commands/classify.ts")).classifyCommand(),
  compress: async () => (await import("./commands/compress.ts")).compressCommand(),
  pair: async () => (await import("./commands/pair.ts")).pairCommand(),
  quantize: async () => (await import("./commands/quantize.ts")).quantizeCommand(),
  calibrate: async () => (await import("./commands/calibrate.ts")).calibrateCommand(),
  evaluate: async () => (await import("./commands/evaluate.ts")).evaluateCommand(),
  bench: async () => (await import("./commands/bench.ts")).benchCommand(),
  plan: async () => (await import("./commands/plan.ts")).planCommand(),
  inspect: async () => (await import("./commands/inspect.ts")).inspectCommand(),
  verify: async () => (await import("./commands/verify.ts")).verifyCommand(),
  data: async () => (await import("./commands/data.ts")).dataCommand(),
  demo: async () => (await import("./commands/demo.ts")).demoCommand(),
} as const;

const isCommand = (name: string): name is keyof typeof commands => Object.hasOwn(commands, name);

/** The command line for these arguments: with the one command that they name, or with all of them, for help and suggestions. */
export async function createProgram(args: readonly string[]): Promise<Command> {
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
  for (const name of wanted(args)) program.addCommand(await commands[name]());
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])])
    command.exitOverride();
  return program;
}

function wanted([first = ""]: readonly string[]): (keyof typeof commands)[] {
  if (first === "--version" || first === "-V") return [];
  return isCommand(first) ? [first] : (Object.keys(commands) as (keyof typeof commands)[]);
}
