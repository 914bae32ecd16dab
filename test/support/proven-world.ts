/**
 * A host on which a release with live entrypoints stands proven, its agent stopped, and orders for it that people have signed and
 * the log has taken in: everything as a real control plane and a real agent have made it. Made once; `standing-host.ts` copies it.
 */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeEnableOrder } from '../../shared/orders/enable-order.ts';
import { EvidenceTree } from '../../shared/orders/evidence-leaf.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Enable } from '../../shared/rpc/generated/messages.ts';
import { signEnvelope } from '../../shared/trust/dsse.ts';
import type { PolicyRule } from '../../shared/trust/policy.ts';
import type { TrustSource } from '../../shared/trust/source.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import { World } from './world.ts';
import type { WorldHost } from './world-host.ts';
import { ledgerOf } from './world-outcome.ts';
import { APP, buildSample, PASSING_GATES, SECRET_NAME } from './world-release.ts';

export const VERSION = '1.0';
/** Of the plan, and of no entrypoint. */
export const OTHER_SECRET_NAME = 'other_ro';
export const OTHER_SECRET = 'periwinkle-Anvil-2290-harbour';
/** Below the root of the host; may be written by every live entrypoint. */
export const OUT = '/srv/out';
export const MINUTE_MS = 60_000;

const ASKS = fileURLToPath(new URL('../payloads/asks', import.meta.url));

/** Refuses without a permit; with one it does what a test has left for it where it may write. */
const LIVE = `import os
import sys

if "KEYTURN_PERMIT" not in os.environ:
    print("LIVE refused: no permit", file=sys.stderr)
    sys.exit(77)
out = os.path.realpath("../../../${OUT.slice(1)}")
exec(open(out + "/scenario.py").read())
`;

const LIVE_ARGV = ['python3', 'tools/live.py'];
const ENTRYPOINTS = {
  live: { argv: LIVE_ARGV, live: true, writable: [OUT], secrets: [SECRET_NAME] },
  bare: { argv: LIVE_ARGV, live: true, writable: [OUT], network: true },
  hourly: { argv: LIVE_ARGV, live: true, writable: [OUT], schedule: '*/10 * * * *' },
};

export interface OrderChange {
  readonly epoch?: number;
  readonly entrypoints?: readonly string[];
  readonly leaseMs?: number;
  readonly forMs?: number;
}

export class ProvenWorld implements AsyncDisposable {
  readonly world: World;
  readonly host: WorldHost;
  readonly run: string;
  /** Of the control plane, as an agent in touch reads it. */
  readonly trustSource: TrustSource;
  #nonces = 0;

  private constructor(parts: Pick<ProvenWorld, 'world' | 'host' | 'run' | 'trustSource'>) {
    this.world = parts.world;
    this.host = parts.host;
    this.run = parts.run;
    this.trustSource = parts.trustSource;
  }

  static async start({ parent = tmpdir() }: { parent?: string } = {}): Promise<ProvenWorld> {
    const world = await World.start({ forbidden: [], parent });
    using sample = await buildSample({
      version: VERSION,
      gates: PASSING_GATES,
      entrypoints: ENTRYPOINTS,
      secrets: [OTHER_SECRET_NAME],
      files: { 'tools/live.py': LIVE, ...askers() },
    });
    await world.push(sample);
    const host = await world.host();
    host.writeSecret(OTHER_SECRET_NAME, OTHER_SECRET);
    mkdirSync(join(host.rootPrefix, OUT), { recursive: true });
    chmodSync(join(host.rootPrefix, OUT), 0o777);
    await host.startAgent();
    const run = await world.deploy(host, VERSION);
    await world.whenSettled(host, run);
    await host.stopAgent();
    const { source: trustSource } = await world.publisher('viewer');
    return new ProvenWorld({ world, host, run, trustSource });
  }

  /** Changes the rule of the policy; whoever is in touch reads it from now on. */
  async changeRule(change: Partial<PolicyRule>): Promise<void> {
    await this.world.signPolicy((policy) => ({
      ...policy,
      rules: policy.rules.map((rule) => ({ ...rule, ...change })),
    }));
  }

  /** As it would reach the host: signed by enough people, in the log, with the proofs. */
  async order({
    epoch = 0,
    forMs = 60 * MINUTE_MS,
    leaseMs = 10 * MINUTE_MS,
    entrypoints,
  }: OrderChange = {}): Promise<Enable> {
    const { head, admitted } = ledgerOf(this.host, this.run);
    const leaf = { host: this.host.name, run: this.run, head: head.head, epoch };
    const tree = new EvidenceTree([leaf]);
    const nowMs = Date.now();
    const issuedAtMs = nowMs - MINUTE_MS; // a host that was made before has a clock that says less
    this.#nonces += 1;
    const payload = encodeEnableOrder({
      app: APP,
      version: VERSION,
      treeDigest: admitted.treeDigest,
      entrypoints: [...(entrypoints ?? Object.keys(ENTRYPOINTS))].sort(),
      issuedAtMs,
      notBeforeMs: issuedAtMs,
      expiresMs: nowMs + forMs,
      leaseMs,
      nonce: this.#nonces.toString(16).padStart(32, '0'),
      reason: 'the lamps are to be lit',
      evidence: { root: tree.root().toString('hex'), size: tree.size },
    });
    const envelope = signEnvelope(STATEMENT_PAYLOAD_TYPE, payload, this.world.approvers);
    const operator = await this.world.operator('operator');
    const { order } = await operator.sendEnable({ envelope, leaves: [{ ...leaf, runId: leaf.run }] });
    const row = this.world.plane.store.selectFrom('directives').select('bytes').where('run_id', '=', order);
    const directive = directiveCodec.decode((await row.executeTakeFirstOrThrow()).bytes);
    if (directive.kind !== 'enable') throw new Error(`the order became a directive of kind ${directive.kind}`);
    return directive.enable;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
  }
}

function askers(): Record<string, string> {
  const names = ['ask.py', 'ask.mjs', 'ask.sh'];
  return Object.fromEntries(names.map((name) => [`tools/${name}`, readFileSync(join(ASKS, name), 'utf8')]));
}
