/**
 * A run that really happened, from the ceremony to a report, with decisions about it in the log: what evidence is taken of.
 * The policy was changed and the root rotated after the run, so both have a history.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Home } from '../../control-plane/cli/home.ts';
import type { LoggedDocument, TransparencyLog } from '../../control-plane/transparency/transparency-log.ts';
import { hostFolders } from '../../host-agent/host/host-config.ts';
import { IdentityStore } from '../../host-agent/link/identity-store.ts';
import { encodeCanonical } from '../../shared/canonical-json.ts';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { type EnableOrder, encodeEnableOrder } from '../../shared/orders/enable-order.ts';
import { EvidenceTree } from '../../shared/orders/evidence-leaf.ts';
import { encodeKillOrder, type KillOrder } from '../../shared/orders/kill-order.ts';
import { type Receipt, signReceipt } from '../../shared/orders/receipt.ts';
import { parseEnrolmentBundle } from '../../shared/rpc/enrolment-bundle.ts';
import { addSignature, parseEnvelope, signEnvelope } from '../../shared/trust/dsse.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import type { Policy } from '../../shared/trust/policy.ts';
import { encodeStatement, RULING_PREDICATE, STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import { CommandWorld, documentOf } from './command-line.ts';
import { WorldHost } from './world-host.ts';
import { APP, buildSample } from './world-release.ts';

export const HOST = 'host-1';
export const VERSION = '1.0';
const GAP = 'G6:dryrun:operations:a dry run by hand:30';
const MINUTE_MS = 60_000;

export interface ProvenRun {
  readonly run: string;
  readonly treeDigest: Sha256;
  /** The digest of the last entry. */
  readonly head: Sha256;
}

export class EvidenceWorld implements AsyncDisposable {
  readonly command: CommandWorld;
  readonly host: WorldHost;
  readonly proven: ProvenRun;
  /** The root that was there before it was rotated. */
  readonly firstRoot: Buffer;
  readonly hostKey: SigningKey;
  /** ops-1, ops-2, ops-3 and sec-1. */
  readonly approvers: readonly SigningKey[];
  readonly releaser: SigningKey;

  private constructor(command: CommandWorld, host: WorldHost, { proven, firstRoot }: Before) {
    this.command = command;
    this.host = host;
    this.proven = proven;
    this.firstRoot = firstRoot;
    this.hostKey = new IdentityStore(hostFolders(host.stateDirectory).identity).openLedgerKey();
    this.approvers = command.home.loadKeys('approvers', undefined);
    this.releaser = command.home.loadKeys(`release-${APP}`, undefined)[0] as SigningKey;
  }

  static async start(): Promise<EvidenceWorld> {
    const command = new CommandWorld();
    await done(command.json('init', '--app', APP, '--no-passphrase', '--accept-gap', GAP));
    const firstRoot = rootOf(command.home);
    await command.start();
    await signPolicy(command, (policy) => ({ ...policy, ...peopleAndRules(command, policy) }));
    using sample = await buildSample({ version: VERSION });
    await done(command.json('release', 'push', sample.ktrPath));
    const host = await enrolledHost(command);
    await host.startAgent();
    const deployed = await command.json('deploy', `${APP}@${VERSION}`, '--host', HOST, '--watch');
    const document = documentOf<{ run: string; treeDigest: Sha256; head: { digest: Sha256 } }>(deployed);
    const { run, treeDigest, head } = document;
    await logged(command.service.plane.log, 1);
    await signPolicy(command, (policy) => ({ ...policy, retention: { keep: 5 } }));
    await done(command.json('trust', 'rotate', 'root', '--no-passphrase'));
    return new EvidenceWorld(command, host, { firstRoot, proven: { run, treeDigest, head: head.digest } });
  }

  get log(): TransparencyLog {
    return this.command.service.plane.log;
  }

  at(...names: string[]): string {
    return this.command.at(...names);
  }

  orderPayload(change: Partial<EnableOrder> = {}): Buffer {
    const { run, head, treeDigest } = this.proven;
    const tree = new EvidenceTree([{ host: HOST, run, head, epoch: 0 }]);
    const nowMs = Date.now();
    return encodeEnableOrder({
      app: APP,
      version: VERSION,
      treeDigest,
      entrypoints: ['live'],
      issuedAtMs: nowMs,
      notBeforeMs: nowMs,
      expiresMs: nowMs + 60 * MINUTE_MS,
      leaseMs: 10 * MINUTE_MS,
      nonce: sha256('a nonce').slice(0, 32),
      reason: 'the cut of November',
      evidence: { root: tree.root().toString('hex'), size: tree.size },
      ...change,
    });
  }

  killPayload(change: Partial<KillOrder> = {}): Buffer {
    return encodeKillOrder({ app: APP, hosts: undefined, issuedAtMs: Date.now(), reason: 'smoke', ...change });
  }

  rulingPayload(predicate: Record<string, string> = {}): Buffer {
    const { run, head } = this.proven;
    return encodeStatement({
      subject: [{ name: run, digest: { sha256: head } }],
      predicateType: RULING_PREDICATE,
      predicate: { run, decision: 'proceed', ...predicate },
    });
  }

  receipt(order: Uint8Array, change: Partial<Receipt> = {}, key = this.hostKey): Buffer {
    const answer = { answer: 'admitted', code: undefined, epoch: 0, ...change } as const;
    return signReceipt({ host: HOST, app: APP, order: sha256(order), atMs: Date.now(), ...answer } as Receipt, key);
  }

  async append(...documents: LoggedDocument[]): Promise<void> {
    await this.log.append(documents);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.command[Symbol.asyncDispose]();
  }
}

export function signed(payload: Uint8Array, keys: readonly SigningKey[]): Buffer {
  return signEnvelope(STATEMENT_PAYLOAD_TYPE, payload, keys);
}

export function signedAlso(envelope: Uint8Array, key: SigningKey): Buffer {
  return addSignature(parseEnvelope(envelope), key);
}

/** Replaces the policy by what `change` makes of it. */
export async function signPolicy(command: CommandWorld, change: (policy: Policy) => Policy): Promise<void> {
  const policy = JSON.parse(readFileSync(command.home.policyPath, 'utf8')) as Policy;
  writeFileSync(command.home.policyPath, encodeCanonical(change(policy)));
  await done(command.json('policy', 'sign', '--no-passphrase'));
}

export function rootOf(home: Home): Buffer {
  return Buffer.from(home.loadTrust().get('root.json') as Uint8Array);
}

interface Before {
  readonly firstRoot: Buffer;
  readonly proven: ProvenRun;
}

/** The one who signs releases operates as well. A host of `env=test` needs fewer people than any other. */
function peopleAndRules(command: CommandWorld, { approvers, rules }: Policy): Pick<Policy, 'approvers' | 'rules'> {
  const releaser = command.home.loadKeys(`release-${APP}`, undefined)[0] as SigningKey;
  const rita = {
    keyId: releaser.keyId,
    publicKey: releaser.publicKeyPem,
    holder: 'rita',
    team: 'operations',
  };
  const [rule] = rules as [Policy['rules'][number]];
  const quorum = [
    { team: 'operations', count: 1 },
    { team: 'security', count: 1 },
  ];
  return { approvers: [...approvers, rita], rules: [{ ...rule, match: { env: 'test' }, quorum }, rule] };
}

async function enrolledHost(command: CommandWorld): Promise<WorldHost> {
  const { join, gateway } = command.service.plane.addresses;
  const out = command.at('host.enrolment');
  await done(command.json('host', 'token', HOST, '--join', join, '--gateway', gateway, '--out', out));
  mkdirSync(command.at('hosts'));
  const host = new WorldHost(command.at('hosts', HOST), HOST);
  await host.enrol(parseEnrolmentBundle(readFileSync(out)));
  return host;
}

/** The verdict is logged when the report is complete, which comes after what `--watch` waits for. */
async function logged(log: TransparencyLog, size: number): Promise<void> {
  while ((await log.size()) < size) await new Promise(setImmediate);
}

async function done(ending: ReturnType<CommandWorld['json']>): Promise<void> {
  const { exitCode, stdout, stderr } = await ending;
  if (exitCode !== 0) throw new Error(`expected the command to succeed: ${stdout}${stderr}`);
}
