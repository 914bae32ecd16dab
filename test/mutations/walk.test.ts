/**
 * The mutation walk: somebody else owns the control plane, and alters what it says, one place at a time: each field of
 * each message, each member of each signed document, each piece, each order. Nothing that must be refused is accepted.
 *
 * One agent lives through all of it, on real sockets and real files; after each class of mutations it still does an honest
 * deploy, with the same end as before.
 */
import { expect } from 'chai';

import { AttackedHost } from './attacked-host.ts';
import { blobTrials, materialTrials } from './blob-trials.ts';
import { attemptEnrolment, attemptRenewal, type CertificateTrial, certificateTrials } from './certificate-trials.ts';
import { chainTrials, honestChains } from './chain-trials.ts';
import type { Expectation, ExpectationClass } from './expectation.ts';
import { EXPECTATIONS, expectationOf } from './expectations.ts';
import { memberTrials, pieceTrials } from './file-trials.ts';
import { deployHonestly, prepareGround } from './ground.ts';
import { keyOf, messagesToHosts } from './message-shapes.ts';
import { orderSequences } from './order-sequences.ts';
import { forgedOrderTrials, orderTrials } from './order-trials.ts';
import { replayTrials } from './replay-trials.ts';
import { sequenceTrials } from './sequence-trials.ts';
import { NEW_RUN, sessionTrials } from './session-trials.ts';
import { type SignedRepository, signRepository } from './signed-repository.ts';
import { attempt, type Ending, type Ground, type Trial, type Verdict } from './trial.ts';

const LEAST_MUTATION_COUNT = 3500;

const ALLOWED: Readonly<Record<ExpectationClass, readonly Ending[]>> = {
  'must-refuse': ['refused', 'session-ended', 'held-back', 'run-failed', 'nothing'],
  harmless: ['as-honest'],
  'may-delay': ['as-honest', 'refused', 'session-ended', 'held-back', 'run-failed', 'nothing'],
};

type Mutation = Pick<Trial, 'carrier' | 'field' | 'mutation'>;

describe('mutations of everything that a control plane says', function () {
  this.timeout(120_000);
  let host: AttackedHost;
  let ground: Ground;
  let repository: SignedRepository;
  let stranger: SignedRepository;
  /** How many mutations each row of the table has met. */
  const met = new Map<Expectation, number>();
  const fields = new Set<string>();
  let startedAt = 0;

  before(async () => {
    startedAt = performance.now();
    repository = await signRepository(Date.now());
    stranger = await signRepository(Date.now(), 'somebody else');
    host = await AttackedHost.start(repository);
    ground = await prepareGround(host);
  });
  after(() => host?.stop());

  /** Tries all of them, and gives a line for each that ended otherwise than the table says. */
  async function walk<M extends Mutation>(mutations: readonly M[], provoke: (mutation: M) => Promise<Verdict>) {
    expect(mutations.length).to.be.at.least(10);
    const surprises: string[] = [];
    for (const mutation of mutations) {
      const expectation = expectationOf(mutation);
      const { ending, details } = await provoke(mutation);
      fields.add(mutation.field);
      if (expectation !== undefined) met.set(expectation, (met.get(expectation) ?? 0) + 1);
      if (expectation !== undefined && ALLOWED[expectation.class].includes(ending)) continue;
      const { carrier, field, mutation: change } = mutation;
      surprises.push(
        `${carrier} / ${field} / ${change}: ${expectation?.class ?? 'not in the table'}, ${ending}: ${details}`,
      );
    }
    expect(surprises.join('\n')).to.equal('');
    await deploysAsBefore();
  }

  async function deploysAsBefore(): Promise<void> {
    host.controlPlane.answers = host.honest.all();
    host.restore(ground.templates.fresh);
    await deployHonestly(host, NEW_RUN);
    const { phase, statuses } = host.journal.runs().get(NEW_RUN) ?? {};
    expect(phase).to.equal('proven');
    expect(statuses?.map(({ check, status }) => `${check} ${status}`)).to.deep.equal(ground.honest.statuses);
  }

  const tried = (trial: Trial) => attempt(host, trial, ground);
  const CLASSES: Readonly<Record<string, () => readonly Trial[]>> = {
    'messages of the session, field by field': () => sessionTrials(repository),
    'the order of messages': () => sequenceTrials(repository),
    'orders, field by field': () => orderTrials(repository, ground.orders),
    'decisions that nobody made': () => forgedOrderTrials(ground.orders),
    'the order of orders': () => orderSequences(repository, ground.orders),
    'the pieces of metadata files': () => pieceTrials(repository),
    'the members of metadata files': () => memberTrials(repository),
    'the pieces of blobs': () => blobTrials(repository),
    'the members of manifest, plan and build record': () => materialTrials(repository),
    'forged metadata': () => chainTrials(repository),
    'swapped, replayed and foreign metadata': () => replayTrials(repository, stranger),
  };
  for (const [name, trials] of Object.entries(CLASSES)) {
    it(`are held off or harmless: ${name}`, () => walk(trials(), tried));
  }

  it('are held off for their signatures: the same chains by the right keys are accepted', async () => {
    const chains = honestChains(repository);
    expect(chains.length).to.be.at.least(4);
    for (const chain of chains) {
      await attempt(host, chain, ground);
      expect(host.journal.runs().get(NEW_RUN)?.phase, chain.field).to.equal('proven');
    }
    await deploysAsBefore();
  });

  it('are held off or harmless: certificates', async () => {
    const attempts = { renewal: attemptRenewal, enrolment: attemptEnrolment };
    await walk(await certificateTrials(host), (trial: CertificateTrial) => attempts[trial.carrier](host, trial));
  });

  it('reach every field of every message that a control plane can send', () => {
    const shapes = [...messagesToHosts()];
    const all = shapes.flatMap(([message, { length }]) => (length === 0 ? [`${message}.*`] : []));
    const expected = [...all, ...shapes.flatMap(([, of]) => of.map(keyOf))];
    expect(expected.length).to.be.at.least(20);
    // A chunk list only saves traffic: `old-copies.test.ts` walks its mutations, and each ends with the right file.
    const walkedElsewhere = ['ChunkList.lengths', 'ChunkList.digests'];
    expect(expected.filter((field) => !fields.has(field))).to.deep.equal(walkedElsewhere);
  });

  it('meet every row of the table, every class, and are three and a half thousand at least', () => {
    const idle = EXPECTATIONS.filter((row) => !met.has(row)).map(({ field, mutation }) => `${field} ${mutation ?? ''}`);
    expect(idle).to.deep.equal([]);
    const counts = new Map<ExpectationClass, number>();
    for (const [{ class: name }, count] of met) counts.set(name, (counts.get(name) ?? 0) + count);
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    const line = [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
    console.log(`      ${total} mutations in ${seconds} s: ${line}`);
    expect([...counts.keys()].sort()).to.deep.equal(Object.keys(ALLOWED).sort());
    expect(total).to.be.at.least(LEAST_MUTATION_COUNT);
  });
});
