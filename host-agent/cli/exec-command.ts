/** `keyturn-agent exec`: runs a live entrypoint of the signed plan, if the execution gate of its application is open. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { APP_PATTERN, NAME_PATTERN } from '../../shared/release/names.ts';
import { UsageError } from '../../shared/service/failure.ts';

export function addExec(program: Command): void {
  program
    .command('exec <app> <entrypoint>')
    .description('run a live entrypoint of the signed plan through the running agent, and say how it ended')
    .option('--json', 'the record as one JSON document')
    .addHelpText('after', AFTERWARDS)
    .action(async (app: string, entrypoint: string, _options, command: Command) => {
      const { state, json } = command.optsWithGlobals();
      if (!APP_PATTERN.test(app)) throw new UsageError(`application "${app}": expected a name such as iu-cutter`);
      if (!NAME_PATTERN.test(entrypoint))
        throw new UsageError(`entrypoint "${entrypoint}": expected a name such as live`);
      const { exec } = await import('./exec.ts');
      const { exitCode, text } = await exec({
        stateDirectory: resolve(state),
        app,
        entrypoint,
        form: json ? 'json' : 'text',
      });
      process.stdout.write(text);
      process.exitCode = exitCode;
    });
}

const AFTERWARDS = `
It takes no arguments beside these: what runs is what the plan names. It goes on when this command is ended; keyturn-agent kill stops it.
Exit codes: 0 when it ended with exit 0, 20 when it ended otherwise, 69 when no agent runs, 77 when the gate refuses.`;
