/** `keyturn-agent kill`: closes execution gates of this host for good, with or without a network, with or without an agent. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { APP_PATTERN } from '../../shared/release/names.ts';
import { UsageError } from '../../shared/service/failure.ts';
import { REASON_CHARACTERS } from '../local/messages.ts';

export function addKill(program: Command): void {
  program
    .command('kill [app]')
    .description('close the execution gate of an application on this host, or of all of them, and stop what runs')
    .requiredOption('--reason <text>', 'why; it stands in the log for good')
    .option('--json', 'one JSON document instead of a table')
    .addHelpText('after', AFTERWARDS)
    .action(async (app: string | undefined, _options, command: Command) => {
      const { state, reason, json } = command.optsWithGlobals();
      if (app !== undefined && !APP_PATTERN.test(app)) {
        throw new UsageError(`application "${app}": expected a name such as iu-cutter`);
      }
      if (reason === '' || reason.length > REASON_CHARACTERS) {
        throw new UsageError(`expected a reason of 1 to ${REASON_CHARACTERS} characters`);
      }
      const { kill } = await import('./kill.ts');
      const { exitCode, text } = await kill({
        stateDirectory: resolve(state),
        app,
        reason,
        form: json ? 'json' : 'table',
      });
      process.stdout.write(text);
      process.exitCode = exitCode;
    });
}

const AFTERWARDS = `
Works while the agent runs and while it does not. A file named KILL in the agent's own folder does the same.
Exit codes: 0 when every gate is closed, that is durable and nothing runs; 69 when that cannot be told; 77 when it was refused.`;
