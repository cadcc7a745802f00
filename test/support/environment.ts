/** What a command that a test starts finds in its environment: CI asks for colours in some programs, the terminal of a test in others. */
export const environment: NodeJS.ProcessEnv = { ...process.env, CI: "1" };
delete environment.FORCE_COLOR;
delete environment.NO_COLOR;
