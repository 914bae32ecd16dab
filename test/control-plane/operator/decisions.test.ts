/** The inbox and what is sent from it, as a client meets them that does not keep to the rules of the command line. */
import { expect } from 'chai';
import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { fetchDecision } from '../../../control-plane/cli/decision-file.ts';
import { type DecisionRequest, decisionId, encodeDecision } from '../../../shared/orders/decision-request.ts';
import { type EnableOrder, encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { EvidenceTree } from '../../../shared/orders/evidence-leaf.ts';
import { encodeRuling } from '../../../shared/orders/ruling.ts';
import { parseEnvelope } from '../../../shared/trust/dsse.ts';
import { generateKey, type SigningKey } from '../../../shared/trust/keys.ts';
import { CommandWorld } from '../../support/command-line.ts';
import { MINUTE_MS, orderOf, STANDING, sign } from '../../support/enable-world.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';

const LEAF = { host: 'web-1', run: STANDING.run, head: STANDING.head, epoch: 0 };
const LEAVES = [{ host: LEAF.host, runId: LEAF.run, head: LEAF.head, epoch: LEAF.epoch }];

describe('control-plane/operator: decisions', () => {
  let world: CommandWorld;
  let operator: OperatorClient;
  let viewer: OperatorClient;
  let people: SigningKey[];

  before(async () => {
    world = await CommandWorld.started();
    operator = world.publisher('operator').client;
    viewer = world.publisher('viewer').client;
    people = world.home.loadKeys('approvers', undefined);
  });
  after(() => world[Symbol.asyncDispose]());

  /** Of one host; each with a reason of its own. */
  function payloadOf(reason: string, change: Partial<EnableOrder> = {}): Buffer {
    const nowMs = Date.now();
    const window = { issuedAtMs: nowMs, notBeforeMs: nowMs, expiresMs: nowMs + 60 * MINUTE_MS };
    const evidence = { root: new EvidenceTree([LEAF]).root().toString('hex'), size: 1 };
    return encodeEnableOrder(orderOf({ ...window, evidence, reason, ...change }));
  }

  function requestOf(payload: Buffer, keys: readonly SigningKey[] = []): DecisionRequest {
    const signatures = keys.length === 0 ? [] : parseEnvelope(sign(payload, keys)).signatures;
    const made = signatures.map(({ keyId = '', signature }) => ({ keyid: keyId, sig: signature }));
    return { kind: 'enable', payload, signatures: made, leaves: [LEAF], bundles: [] };
  }

  const submit = (request: DecisionRequest) => operator.submitDecision({ document: encodeDecision(request) });
  const kept = async (id: string) => (await fetchDecision(id, viewer)).signatures.length;
  const logSize = () => world.service.plane.log.size();

  it('keeps the signatures of people whom the policy names, and no other', async () => {
    const payload = payloadOf('kept');
    const [ops1, ops2] = people as [SigningKey, SigningKey];
    const { id } = await submit(requestOf(payload, [ops1, generateKey()]));
    expect(id).to.equal(decisionId({ payload }));
    expect(await kept(id)).to.equal(1);
    await submit(requestOf(payload, [ops2]));
    await submit(requestOf(payload));
    expect(await kept(id)).to.equal(2);
  });

  it('takes a signature from whoever may only look, and only over what waits', async () => {
    const payload = payloadOf('approved');
    const { id } = await submit(requestOf(payload));
    const [ops1] = people as [SigningKey];
    expect(await viewer.approve({ id: id.slice(0, 12), envelope: sign(payload, [ops1]) })).to.include({
      signatureCount: 1,
    });
    const codes = [
      await codeOf(viewer.approve({ id, envelope: sign(payloadOf('something else'), [ops1]) })),
      await codeOf(viewer.approve({ id, envelope: sign(payload, [generateKey()]) })),
      await codeOf(viewer.approve({ id: 'ffffffff', envelope: sign(payload, [ops1]) })),
      await codeOf(viewer.approve({ id: '%', envelope: sign(payload, [ops1]) })),
      await codeOf(viewer.submitDecision({ document: encodeDecision(requestOf(payload)) })),
      await codeOf(operator.submitDecision({ document: Buffer.from('{}') })),
    ];
    expect(codes).to.deep.equal([
      'decision-differs',
      'signature-threshold-not-met',
      'decision-unknown',
      'decision-unknown',
      'role-not-sufficient',
      'decision-malformed',
    ]);
    expect(await kept(id)).to.equal(1);
  });

  const SENT: Readonly<Record<string, { code: string; envelope: () => Buffer; leaves?: typeof LEAVES }>> = {
    'too few have signed': {
      code: 'quorum-not-met',
      envelope: () => sign(payloadOf('few'), people.slice(0, 1)),
    },
    'it covers other hosts than those that are named': {
      code: 'evidence-not-in-order',
      envelope: () => sign(payloadOf('others'), people),
      leaves: [{ ...LEAVES[0], host: 'web-2' } as (typeof LEAVES)[0]],
    },
    'its window has ended': {
      code: 'order-expired',
      envelope: () => sign(payloadOf('late', { issuedAtMs: 1_000, notBeforeMs: 1_000, expiresMs: 2_000 }), people),
    },
    'its host never joined': { code: 'host-unknown', envelope: () => sign(payloadOf('nobody'), people) },
    'it is no envelope': { code: 'envelope-malformed', envelope: () => Buffer.from('{}') },
  };

  it('has 5 orders', () => expect(Object.keys(SENT)).to.have.length(5));
  for (const [name, { code, envelope, leaves = LEAVES }] of Object.entries(SENT)) {
    it(`sends no order when ${name}, and logs nothing`, async () => {
      const before = await logSize();
      expect(await codeOf(operator.sendEnable({ envelope: envelope(), leaves }))).to.equal(code);
      expect(await logSize()).to.equal(before);
    });
  }

  it('sends nothing for whoever may only look', async () => {
    const envelope = sign(payloadOf('viewer'), people);
    expect(await codeOf(viewer.sendEnable({ envelope, leaves: LEAVES }))).to.equal('role-not-sufficient');
    expect(await codeOf(viewer.sendRuling({ envelope, runId: LEAF.run }))).to.equal('role-not-sufficient');
    expect(await codeOf(viewer.runLive({ host: 'web-1', app: 'demo', entrypoint: 'live' }))).to.equal(
      'role-not-sufficient',
    );
  });

  it('sends no ruling on a run that is not there', async () => {
    const about = { host: 'web-1', run: LEAF.run, head: LEAF.head, check: 'live-dryrun', stopGate: 'SG1' };
    const said = { decision: 'proceed', expiresMs: undefined, issuedAtMs: Date.now(), reason: 'seen' } as const;
    const envelope = sign(encodeRuling({ ...about, ...said }), people);
    const before = await logSize();
    expect(await codeOf(operator.sendRuling({ envelope, runId: LEAF.run }))).to.equal('run-not-found');
    expect(await logSize()).to.equal(before);
  });

  it('has no order, live run or gate that nobody ever spoke of', async () => {
    expect(await codeOf(collected(viewer.watchOrder({ order: 'a'.repeat(64) })))).to.equal('order-unknown');
    expect(await codeOf(collected(viewer.watchLive({ liveId: LEAF.run })))).to.equal('live-run-unknown');
    expect(await viewer.listGates({ app: 'demo' })).to.deep.equal({ gates: [] });
  });
});
