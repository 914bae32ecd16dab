/** `keyturn init`: the key ceremony. */

import type { Command } from 'commander';
import { UsageError } from '../../../shared/service/failure.ts';
import type { AcceptedSubGap } from '../../../shared/trust/policy.ts';
import type { InitOptions } from '../actions/init.ts';
import { parseAddress } from '../address.ts';
import type { Quorum } from '../ceremony.ts';

const DEFAULT_APPROVERS = ['ops-1:operations', 'ops-2:operations', 'ops-3:operations', 'sec-1:security'];

export function addInit(program: Command): void {
  program
    .command('init')
    .description('hold the key ceremony: root, targets, release, approver and freshness keys, the CA, the first policy')
    .requiredOption('--app <name...>', 'applications that will be released')
    .option('--root <m/n>', 'root keys: m of n must sign', parseQuorum, { threshold: 2, keys: 3 })
    .option('--targets <m/n>', 'targets keys', parseQuorum, { threshold: 2, keys: 3 })
    .option('--releasers <m/n>', 'release keys of each application', parseQuorum, { threshold: 1, keys: 1 })
    .option('--approver <name:team...>', 'people who may approve an execution', DEFAULT_APPROVERS)
    .option('--accept-gap <gate:kind:owner:route:days...>', 'sub-gaps that the policy accepts', [])
    .option('--allow <action...>', 'actions that the policy shall not forbid, such as network', [])
    .option('--address <host:port>', 'where operators will find the control plane', checkedAddress, '127.0.0.1:7443')
    .option('--passphrase-file <file>', 'its first line encrypts the key files')
    .option('--no-passphrase', 'leave the key files unencrypted')
    .action(async (_options, command: Command) => {
      const given = command.optsWithGlobals();
      const approver = given.approver.map(parseApprover);
      assertDistinct(
        'approver',
        approver.map(({ name }: NamedApprover) => name),
      );
      assertDistinct('application', given.app);
      const acceptGap = given.acceptGap.map(parseGap);
      const { init } = await import('../actions/init.ts');
      await init({ ...(given as InitOptions), approver, acceptGap }, command);
    });
}

function parseQuorum(text: string): Quorum {
  const [, threshold = '', keys = ''] = /^(\d{1,2})\/(\d{1,2})$/.exec(text) ?? [];
  const quorum = { threshold: Number(threshold), keys: Number(keys) };
  if (quorum.threshold >= 1 && quorum.threshold <= quorum.keys) return quorum;
  throw new UsageError(`quorum "${text}": expected m/n with 1 <= m <= n, such as 2/3`);
}

function checkedAddress(text: string): string {
  parseAddress(text, '--address');
  return text;
}

interface NamedApprover {
  readonly name: string;
  readonly team: string;
}

function parseApprover(text: string): NamedApprover {
  const [, name, team] = /^([a-z0-9][a-z0-9._-]*):([a-z][a-z0-9-]*)$/.exec(text) ?? [];
  if (name !== undefined && team !== undefined) return { name, team };
  throw new UsageError(`approver "${text}": expected NAME:TEAM, such as an.nguyen:operations`);
}

/** A name is a key file: one person in two teams would be one key that counts in both. */
function assertDistinct(what: string, names: readonly string[]): void {
  const again = names.find((name, index) => names.indexOf(name) < index);
  if (again !== undefined) throw new UsageError(`${what} "${again}": expected each name once, got it twice`);
}

/** A route may have colons in it. */
function parseGap(text: string): AcceptedSubGap {
  const [, gate, checkKind, owner, route, days] = /^([^:]+):([^:]+):([^:]+):(.+):(\d{1,3})$/.exec(text) ?? [];
  const maxAgeDays = Number(days);
  const isInRange = maxAgeDays >= 1 && maxAgeDays <= 365;
  if (isInRange && gate !== undefined && checkKind !== undefined && owner !== undefined && route !== undefined)
    return { gate, checkKind, owner, route, maxAgeDays };
  throw new UsageError(
    `accepted gap "${text}": expected GATE:KIND:OWNER:ROUTE:DAYS with 1 to 365 days, such as G6:dryrun:operations:live dry run:30`,
  );
}
