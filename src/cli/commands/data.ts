import { Command, Option } from "@commander-js/extra-typings";
import { fashionMnist } from "../../data/index.ts";
import { examples, options } from "../options.ts";
import { interruptible } from "../run.ts";
import { Terminal } from "../terminal.ts";

export const dataCommand = () => {
  const command = new Command("data").description("Fetch a data set from its official address, checked by SHA-256.");
  command.addCommand(fashionMnistCommand());
  return command;
};

const fashionMnistCommand = () =>
  new Command("fashion-mnist")
    .description("70,000 photographs of clothes, 28 x 28, ten classes (MIT licence).")
    .addOption(new Option("-o, --output <folder>", "where to put the four idx.gz files").makeOptionMandatory())
    .addOption(
      new Option("--from <folder>", "take them from a folder instead, such as that of Debian's dataset-fashion-mnist"),
    )
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText("after", examples("data fashion-mnist -o fashion-mnist --from /usr/share/datasets/fashion-mnist"))
    .action((flags) =>
      interruptible(async (signal) => {
        await fashionMnist(flags.output, { from: flags.from, signal });
        new Terminal(flags).note(`${flags.output} holds Fashion-MNIST; use it as --data ${flags.output} --split test`);
      }),
    );
