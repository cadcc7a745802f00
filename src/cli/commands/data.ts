import { join } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { cifar10, cifar10Archive, fashionMnist } from "../../data/index.ts";
import { examples, options } from "../options.ts";
import { interruptible } from "../run.ts";
import { Terminal } from "../terminal.ts";

export const dataCommand = () => {
  const command = new Command("data").description("Fetch a data set from its official address, checked by SHA-256.");
  return command.addCommand(cifar10Command()).addCommand(fashionMnistCommand());
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

const cifar10Command = () =>
  new Command("cifar10")
    .description("60,000 photographs, 32 x 32, ten classes.")
    .addOption(
      new Option("-o, --output <folder>", `where to put ${cifar10Archive.name} (162 MiB)`).makeOptionMandatory(),
    )
    .addOption(new Option("--from <folder>", "take it from a folder instead"))
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText("after", examples("data cifar10 -o cifar10", "data cifar10 -o cifar10 --from downloads/"))
    .action((flags) =>
      interruptible(async (signal) => {
        await cifar10(flags.output, { from: flags.from, signal });
        const archive = join(flags.output, cifar10Archive.name);
        new Terminal(flags).note(`${archive} is CIFAR-10; use it as --data ${archive} --split test`);
      }),
    );
