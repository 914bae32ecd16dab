/** Answers to an order, told by a control plane that nobody trusts (P2). */
import { expect } from 'chai';
import { loggedKill } from '../../../control-plane/cli/logged-kill.ts';
import type { Publisher } from '../../../control-plane/cli/publication.ts';
import { type AnsweredAt, watchOrder } from '../../../control-plane/cli/watch-order.ts';
import { sha256 } from '../../../shared/digest.ts';
import { encodeKillRecord } from '../../../shared/orders/kill-record.ts';
import { type Receipt, signReceipt } from '../../../shared/orders/receipt.ts';
import type { OrderUpdate } from '../../../shared/rpc/generated/messages.ts';
import { signCheckpoint } from '../../../shared/transparency/checkpoint.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { CommandWorld } from '../../support/command-line.ts';
import { LOG } from '../../support/enable-world.ts';
import { codeOf } from '../../support/rejection-of.ts';

const KEYS = { 'web-1': generateKey(), 'web-2': generateKey() } as const;
type Host = keyof typeof KEYS;
const DOCUMENT = Buffer.from('an order');

describe('control-plane/cli/watch-order', () => {
  let world: CommandWorld;
  before(async () => {
    world = await CommandWorld.held();
  });
  after(() => world[Symbol.asyncDispose]());

  function receipt(host: Host, change: Partial<Receipt> = {}, key = KEYS[host]): Buffer {
    const said = { host, app: 'demo', order: sha256(DOCUMENT), code: undefined, epoch: 1, logSize: 3, atMs: 5 };
    return signReceipt({ ...said, answer: 'killed', ...change }, key);
  }

  const update = (host: string, envelope: Buffer = Buffer.alloc(0), receivedAtMs = 40): OrderUpdate => ({
    host,
    isConnected: true,
    deliveredAtMs: 30,
    receipt: envelope,
    receivedAtMs,
  });

  /** A control plane that says this of the order. */
  function told(updates: readonly OrderUpdate[]): Publisher {
    const hosts = Object.entries(KEYS).map(([name, key]) => ({ name, ledgerPublicKey: key.publicKeyPem }));
    const client = {
      listHosts: async () => ({ hosts }),
      watchOrder: async function* () {
        yield* updates;
      },
    };
    return { home: world.home, client } as unknown as Publisher;
  }

  const ORDER = { order: sha256(DOCUMENT), hosts: ['web-1'], orderedAtMs: 10, document: DOCUMENT };
  const watch = (updates: readonly OrderUpdate[], onAnswer: (host: string, answer: AnsweredAt) => void = () => {}) =>
    watchOrder({ ...ORDER, meant: ['web-1', 'web-2'] }, { publisher: told(updates), patienceMs: 1_000, onAnswer });

  it('misses no host that was meant, whatever the control plane leaves out', async () => {
    const answers = await watch([update('web-1', receipt('web-1'))]);
    expect(answers.map(({ host, receipts }) => [host, receipts.length])).to.deep.equal([
      ['web-1', 1],
      ['web-2', 0],
    ]);
  });

  it('counts from the order, and tells each answer once', async () => {
    const heard: [string, string, number][] = [];
    const killed = receipt('web-1');
    const stopped = receipt('web-1', { answer: 'stopped', atMs: 6 });
    const updates = [update('web-1'), update('web-1', killed), update('web-1', killed), update('web-1', stopped, 55)];
    const [answer] = await watch(updates, (host, { answer: said, afterMs }) => heard.push([host, said, afterMs]));
    expect(heard).to.deep.equal([
      ['web-1', 'killed', 30],
      ['web-1', 'stopped', 45],
    ]);
    expect(answer?.durableMs).to.equal(20);
  });

  const LIES: Readonly<Record<string, { updates: OrderUpdate[]; code: string }>> = {
    'that another host signed': {
      updates: [update('web-1', receipt('web-1', {}, KEYS['web-2']))],
      code: 'signature-threshold-not-met',
    },
    'of another host': {
      updates: [update('web-1', receipt('web-2', {}, KEYS['web-1']))],
      code: 'receipt-of-another-host',
    },
    'to another order': {
      updates: [update('web-1', receipt('web-1', { order: sha256('x') }))],
      code: 'receipt-of-another-order',
    },
    'of a host that nobody knows': { updates: [update('web-9', receipt('web-1'))], code: 'host-unknown' },
  };

  it('knows 4 lies', () => expect(Object.keys(LIES)).to.have.length(4));
  for (const [name, { updates, code }] of Object.entries(LIES)) {
    it(`believes no answer ${name}`, async () => expect(await codeOf(watch(updates))).to.equal(code));
  }
});

describe('control-plane/cli/logged-kill', () => {
  const kill = (app: string) =>
    encodeKillRecord({ from: 'session', app, hosts: [], reason: 'smoke', by: 'anna', atMs: 5 });

  /** A log whose other entries are answers, with the kill at `index`. */
  function logOf(size: number, document: Buffer, index: number) {
    const asked: number[] = [];
    const client = {
      fetchCheckpoint: async () => ({
        checkpoint: signCheckpoint({ size, root: Buffer.alloc(32) }, LOG),
        consistency: [],
      }),
      listLog: async function* ({ first, limit }: { first: number; limit: number }) {
        asked.push(first);
        for (let at = first; at < first + limit; at += 1) {
          const isKill = at === index;
          yield { index: at, kind: isKill ? 'kill' : 'receipt', document: isKill ? document : DOCUMENT, loggedAtMs: 1 };
        }
      },
    };
    return { asked, client };
  }

  it('looks from the end of the log, and no further than it has to', async () => {
    const document = kill('demo');
    const { asked, client } = logOf(100_000, document, 99_900);
    expect((await loggedKill({ order: sha256(document), app: 'demo' }, client)).equals(document)).to.equal(true);
    expect(asked).to.deep.equal([99_936, 99_872]);
  });

  it('takes nothing that was not asked for', async () => {
    const document = kill('other');
    const { client } = logOf(3, document, 1);
    expect(await codeOf(loggedKill({ order: sha256(document), app: 'demo' }, client))).to.equal('order-differs');
    expect(await codeOf(loggedKill({ order: sha256('x'), app: 'demo' }, client))).to.equal('order-unknown');
  });
});
