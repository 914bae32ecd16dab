/** Decisions: `keyturn enable`, `approve`, `inbox`, `rulings`, `rule`, `gaps`, `run-live`, `kill`. */

import type { Command } from 'commander';
import { durationParser, instantParser } from '../duration.ts';
import { signingOptions } from './signing-options.ts';

const MINUTE_MS = 60_000;
/** A host answers within a second; one that hashes a large tree first takes longer. */
const WAIT_MS = 30_000;
/** Whoever kills wants to know soon whom it has not reached. */
const KILL_WAIT_MS = 10_000;

export function addGovern(program: Command): void {
  addEnable(program);
  addSigning(program);
  addRulings(program);
  addExecution(program);
}

function addEnable(program: Command): void {
  const enable = program.command('enable').description('open execution gates, for exactly the evidence of their hosts');
  enable
    .command('request <release>')
    .description('put an enable order for NAME@VERSION together, to be signed')
    .requiredOption('--host <host...>', 'the hosts')
    .requiredOption('--reason <text>', 'why; it is signed, and stands in the log')
    .option('--entrypoint <name...>', 'live entrypoints of the plan; all of them unless said')
    .option('--from <instant>', 'when the window begins; now unless said', instantParser('--from'))
    .option('--for <duration>', 'how long the window is', durationParser('--for'), 60 * MINUTE_MS)
    .option('--lease <duration>', 'how long a gate stays open out of touch', durationParser('--lease'), 10 * MINUTE_MS)
    .option('--out <file>', 'where the request goes; enable-NAME-VERSION.json unless said')
    .action(async (release: string, _options, command: Command) => {
      const { requestEnable } = await import('../actions/enable-request.ts');
      await requestEnable(release, command);
    });
  enable
    .command('send <request>')
    .description('bring a signed order (a file, or its name in the inbox) to its hosts')
    .option('--wait <duration>', 'how long to wait for answers', durationParser('--wait'), WAIT_MS)
    .action(async (request: string, _options, command: Command) => {
      const { sendEnable } = await import('../actions/enable-send.ts');
      await sendEnable(request, command);
    });
}

function addSigning(program: Command): void {
  program
    .command('inbox')
    .description('what waits to be signed')
    .action(async (_options, command: Command) => {
      const { listInbox } = await import('../actions/inbox.ts');
      await listInbox(command);
    });
  signingOptions(
    program
      .command('approve <request>')
      .description('read in plain words what would be signed (a file, or its name in the inbox), and sign it')
      .option('--key <file>', 'your key: a file of `keyturn init`, of OpenSSH, or a .pub whose key is in an ssh-agent')
      .option('--bytes <file>', 'write what is to be signed, for `ssh-keygen -Y sign` on a machine without Keyturn')
      .option('--signature <file>', 'take the .sig file that came of it; with --public')
      .option('--public <file>', 'the public key of the signature, PEM or .pub'),
  ).action(async (request: string, _options, command: Command) => {
    const { approve } = await import('../actions/approve.ts');
    await approve(request, command);
  });
}

function addRulings(program: Command): void {
  program
    .command('rulings')
    .description('runs that wait for people, and what they show')
    .action(async (_options, command: Command) => {
      const { listRulings } = await import('../actions/rulings.ts');
      await listRulings(command);
    });
  const rule = program.command('rule').description('decide about a run that is held');
  for (const [decision, what] of [
    ['proceed', 'let a dry run go on past its stop gate'],
    ['stop', 'end a dry run at its stop gate'],
  ] as const) {
    rulingOptions(rule.command(`${decision} <run>`).description(what)).action(
      async (run: string, _options, command: Command) => {
        const { rule: decide } = await import('../actions/rule.ts');
        await decide(run, decision, command);
      },
    );
  }
  rule
    .command('send <request>')
    .description('bring a signed ruling (a file, or its name in the inbox) to its host')
    .option('--wait <duration>', 'how long to wait for the answer', durationParser('--wait'), WAIT_MS)
    .action(async (request: string, _options, command: Command) => {
      const { sendRuling } = await import('../actions/rule.ts');
      await sendRuling(request, command);
    });
  addGaps(program);
}

function addGaps(program: Command): void {
  const gaps = program.command('gaps').description('what was left unproven, and who does without it until when');
  gaps
    .command('list', { isDefault: true })
    .description('sub-gaps of what stands on the hosts')
    .option('--host <host>', 'of this host only')
    .action(async (_options, command: Command) => {
      const { listGaps } = await import('../actions/gaps.ts');
      await listGaps(command);
    });
  rulingOptions(
    gaps
      .command('waive <run> <check>')
      .description('do without what a check left open, for a while')
      .requiredOption('--for <duration>', 'for how long', durationParser('--for')),
  ).action(async (run: string, check: string, _options, command: Command) => {
    const { waive } = await import('../actions/rule.ts');
    await waive(run, check, command);
  });
}

function rulingOptions(command: Command): Command {
  return signingOptions(
    command
      .requiredOption('--reason <text>', 'why; it is signed, and stands in the log')
      .option(
        '--key <file...>',
        'sign with these keys, and send it once they are enough; until then it waits in the inbox',
      )
      .option('--wait <duration>', 'how long to wait for the answer', durationParser('--wait'), WAIT_MS),
  );
}

function addExecution(program: Command): void {
  program
    .command('run-live <app> <entrypoint>')
    .description('start a live entrypoint on a host whose gate is open for it')
    .requiredOption('--host <host>', 'the host')
    .option('--watch', 'follow it to its end')
    .option('--wait <duration>', "how long to wait for the host's first word", durationParser('--wait'), WAIT_MS)
    .action(async (app: string, entrypoint: string, _options, command: Command) => {
      const { runLive } = await import('../actions/run-live.ts');
      await runLive(app, entrypoint, command);
    });
  signingOptions(
    program
      .command('kill <app>')
      .description('close gates for good and stop what runs; what was signed before opens them no more')
      .option('--host <host...>', 'these hosts')
      .option('--all', 'every host')
      .option('--reason <text>', 'why; it stands in the log')
      .option('--key <file>', "sign it as an approver; without, your operator's certificate is enough")
      .option('--order <file>', 'bring an order that was signed elsewhere')
      .option('--out <file>', 'write the signed order to a file instead, for a day without time; with --key')
      .option('--wait <duration>', 'how long to wait for the hosts', durationParser('--wait'), KILL_WAIT_MS),
  ).action(async (app: string, _options, command: Command) => {
    const { kill } = await import('../actions/kill.ts');
    await kill(app, command);
  });
}
