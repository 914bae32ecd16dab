/** `keyturn evidence` and `keyturn audit export`, from a run that really happened to a file that proves it elsewhere. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { type BundleRun, runVerifyBundle } from '../../../../scripts/verify-bundle.ts';
import { parseEvidence } from '../../../../shared/evidence/evidence-bundle.ts';
import type { SigningKey } from '../../../../shared/trust/keys.ts';
import { documentOf, failureOf } from '../../../support/command-line.ts';
import { EvidenceWorld, signed } from '../../../support/evidence-world.ts';

interface Answer {
  readonly isProven: boolean;
  readonly open: readonly { readonly code: string }[];
  readonly verdict: string;
  readonly orders: readonly { readonly answers: readonly { readonly answer: string }[] }[];
  readonly records: readonly { readonly index: number; readonly kind: string }[];
}

describe('keyturn evidence', function () {
  this.timeout(60_000);
  let world: EvidenceWorld;
  let order: Buffer;

  before(async () => {
    world = await EvidenceWorld.start();
    writeFileSync(world.at('root.json'), world.firstRoot);
    writeFileSync(world.at('host.pem'), world.hostKey.publicKeyPem);
    order = signed(world.orderPayload(), world.approvers);
    const [, two] = world.approvers as [SigningKey, SigningKey];
    const elsewhere = signed(world.killPayload({ app: 'other' }), [two]);
    await world.append(
      { kind: 'kill', document: elsewhere },
      { kind: 'enable', document: order },
      { kind: 'ruling', document: Buffer.from('a text that nobody can read') },
      { kind: 'receipt', document: world.receipt(order, { answer: 'refused', code: 'not-ready' }) },
      { kind: 'receipt', document: world.receipt(elsewhere) },
    );
  });
  after(() => world[Symbol.asyncDispose]());

  const take = (out: string) => world.command.json('evidence', world.proven.run, '--out', world.at(out));
  const pins = () => ['--root', world.at('root.json'), '--host-key', world.at('host.pem')];

  async function verify(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    const written = { stdout: '', stderr: '' };
    const run: BundleRun = {
      nowMs: Date.now(),
      writeOut: (text) => {
        written.stdout += text;
      },
      writeErr: (text) => {
        written.stderr += text;
      },
    };
    return { exitCode: await runVerifyBundle(args, run), ...written };
  }

  it('writes one file that proves the run to whoever has pinned the root and the key of the host', async () => {
    const ended = await take('evidence.json');
    expect(ended.exitCode, ended.stderr).to.equal(0);
    expect(documentOf(ended)).to.include({ run: world.proven.run, verdict: 'B', orders: 1, kills: 0, receipts: 1 });
    const { exitCode, stdout } = await verify(world.at('evidence.json'), ...pins(), '--json');
    const answer = JSON.parse(stdout) as Answer;
    expect([exitCode, answer.isProven, answer.verdict]).to.deep.equal([0, true, 'B']);
    expect(answer.orders.map(({ answers }) => answers.map(({ answer: word }) => word))).to.deep.equal([['refused']]);
  });

  it('prints what is proven as a table', async () => {
    await take('evidence.json');
    const { exitCode, stdout } = await verify(world.at('evidence.json'), ...pins());
    expect(exitCode).to.equal(0);
    for (const line of [
      /^release +beacon@1\.0 from [0-9a-f]{40}$/m,
      /^host key +[0-9a-f]{64} \(pinned\)$/m,
      /^trust +root 2, reached from root 1, which is pinned$/m,
      /^verdict +B$/m,
      /^G5 +checks +PASS/m,
      /^2 +enable +[0-9a-f]{8} live, .*ops-1 \(operations\), .*sec-1 \(security\): the cut of November$/m,
      /^4 +receipt +to [0-9a-f]{8}: refused \(not-ready\) at/m,
      /^all of this is proven$/m,
    ])
      expect(stdout).to.match(line);
  });

  it('P6: ends with 20 where nobody vouches for the key of the host', async () => {
    await take('evidence.json');
    const { exitCode, stdout } = await verify(world.at('evidence.json'), '--root', world.at('root.json'));
    expect(exitCode).to.equal(20);
    expect(stdout).to.match(/NOT PROVEN\n {2}host-key-not-pinned: /);
  });

  it('ends with 20 and the code where a byte was changed', async () => {
    await take('evidence.json');
    const bytes = readFileSync(world.at('evidence.json'), 'utf8');
    writeFileSync(world.at('changed.json'), bytes.replace('"index":2', '"index":3'));
    const { exitCode, stdout, stderr } = await verify(world.at('changed.json'), ...pins(), '--json');
    expect(exitCode).to.equal(20);
    expect(JSON.parse(stdout).error.code).to.equal('not-in-log');
    expect(stderr).to.include('[not-in-log]');
  });

  it('writes the same bytes twice', async () => {
    await take('one.json');
    await take('two.json');
    expect(readFileSync(world.at('one.json')).equals(readFileSync(world.at('two.json')))).to.equal(true);
  });

  it('takes what is about the run out of the log, and nothing else', async () => {
    await take('evidence.json');
    const { log } = parseEvidence(readFileSync(world.at('evidence.json')));
    expect(log.records.map(({ index, kind }) => [index, kind])).to.deep.equal([
      [0, 'verdict'],
      [2, 'enable'],
      [4, 'receipt'],
    ]);
  });

  it('writes nothing for a run that nobody knows', async () => {
    const ended = await world.command.json('evidence', '01JD0000000000000000000000', '--out', world.at('none.json'));
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'run-not-found']);
    expect(existsSync(world.at('none.json'))).to.equal(false);
  });

  it('wants a place for the file before it asks for anything', async () => {
    expect((await world.command.json('evidence', world.proven.run)).exitCode).to.equal(64);
    expect((await take('nowhere/evidence.json')).exitCode).to.equal(64);
  });

  describe('keyturn audit export', () => {
    it('writes the log into one file that the same script verifies', async () => {
      const ended = await world.command.json('audit', 'export', '--out', world.at('log.json'));
      expect(ended.exitCode, ended.stderr).to.equal(0);
      expect(documentOf(ended)).to.include({ first: 0, count: 6, size: 6 });
      const { exitCode, stdout } = await verify(world.at('log.json'), '--root', world.at('root.json'), '--json');
      const { records } = JSON.parse(stdout) as Answer;
      expect([exitCode, records.map(({ kind }) => kind)]).to.deep.equal([
        0,
        ['verdict', 'kill', 'enable', 'ruling', 'receipt', 'receipt'],
      ]);
    });

    it('writes a part of it, from where one wants', async () => {
      const part = ['--first', '1', '--limit', '2'];
      await world.command.json('audit', 'export', '--out', world.at('part.json'), ...part);
      const { exitCode, stdout } = await verify(world.at('part.json'), '--root', world.at('root.json'));
      expect(exitCode).to.equal(0);
      expect(stdout).to.match(/^shown +2 entries from 1 on/m);
    });
  });

  it('wants a file, a root, and flags that it knows', async () => {
    await take('evidence.json');
    const file = world.at('evidence.json');
    const wrong = [
      [],
      [file],
      [file, file, ...pins()],
      [file, ...pins(), '--trust-me'],
      [file, ...pins(), '--label', 'x'],
    ];
    for (const args of [...wrong, [world.at('not-there.json'), ...pins()], [world.at(), ...pins()]]) {
      const { exitCode, stderr } = await verify(...args);
      expect([exitCode, stderr.startsWith('verify-bundle: ')], args.join(' ')).to.deep.equal([64, true]);
    }
  });
});
