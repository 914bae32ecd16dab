/** `keyturn approve` in its three ways: a file without any connection, the inbox, and a machine without Keyturn. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { parseDecision } from '../../../../shared/orders/decision-request.ts';
import { APPROVAL_NAMESPACE } from '../../../../shared/trust/approver-key.ts';
import { parseSshKey } from '../../../../shared/trust/ssh-key.ts';
import { documentOf, type Ended, failureOf } from '../../../support/command-line.ts';
import { signPolicy } from '../../../support/evidence-world.ts';
import { APP, GovernWorld, REASON } from '../../../support/govern-world.ts';
import { SecurityKey } from '../../../support/security-key.ts';
import { SshFolder } from '../../../support/ssh-agent.ts';

describe('keyturn approve', function () {
  this.timeout(60_000);
  let world: GovernWorld;
  let release: string;
  let file: string;
  let id: string;
  const folder = new SshFolder();

  before(async () => {
    world = await GovernWorld.start();
    folder.makeKey('dora');
    await signPolicy(world.command, (policy) => {
      const dora = { ...sshApprover(folder.publicLine('dora')), holder: 'dora', team: 'operations' };
      return { ...policy, approvers: [...policy.approvers, dora] };
    });
    release = await world.release('1.0');
    await world.host('web-1');
    await world.proven(release, 'web-1');
    file = world.at('enable.json');
    const argv = ['--host', 'web-1', ...REASON, '--out', file];
    id = (await world.done<{ request: string }>('enable', 'request', release, ...argv)).request;
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** A copy of the request that nobody has signed. */
  function copy(name: string): string {
    cpSync(file, world.at(name));
    return world.at(name);
  }

  const signatures = (path: string) => parseDecision(readFileSync(path)).signatures.length;
  const approve = (reference: string, ...argv: string[]) => world.command.json('approve', reference, ...argv);

  it('signs a file without any connection, and puts the signature into it', async () => {
    const path = copy('offline.json');
    const home = world.command.home.loadOperator('viewer');
    world.command.dial('127.0.0.1:1');
    try {
      const ended = await approve(path, ...world.keys('ops-1'));
      expect(documentOf(ended)).to.include({ request: id, file: path, signatures: 1 });
      expect(signatures(path)).to.equal(1);
    } finally {
      world.command.dial(home.address);
    }
  });

  it('shows in plain words what is signed, also to programs, and what is new since the last time', async () => {
    const path = copy('shown.json');
    const first = await approve(path, ...world.keys('ops-2'));
    for (const words of [
      `open the execution gate of ${release} on 1 host`,
      'reason: as proven',
      'live: ["python3","-m","lantern","light"]',
      'web-1: verdict A: every gate passed',
      'criteria are met',
      `this key has approved nothing of ${APP} on this machine before`,
    ])
      expect(first.stderr).to.include(words);
    const second = await approve(path, ...world.keys('ops-2'));
    expect(second.stderr).to.match(/nothing has changed since the approval of \d{4}-/);
    expect(signatures(path)).to.equal(1);
  });

  it('signs nothing where nobody can be asked and nobody said --yes', async () => {
    const path = copy('asked.json');
    const ended = await approve(path, '--key', world.keyOf('ops-1'), '--no-passphrase');
    expect(ended.exitCode).to.equal(77);
    expect(failureOf(ended)).to.include({ code: 'not-confirmed' });
    expect(ended.stderr).to.include('open the execution gate');
    expect(signatures(path)).to.equal(0);
  });

  it('signs into the inbox, by the beginning of a name, each person once', async () => {
    const first = await approve(id.slice(0, 8), ...world.keys('ops-1'));
    expect(documentOf(first)).to.deep.include({ request: id, signatures: 1 });
    const again = await approve(id, ...world.keys('ops-1'));
    expect(documentOf(again)).to.deep.include({ signatures: 1 });
    const other = await world.command.keyturn('approve', id.slice(0, 12), ...world.keys('sec-1'));
    expect(other.stdout).to.equal(
      `signed: 2 signatures now\nnext: keyturn enable send ${id.slice(0, 12)}, once enough people have signed\n`,
    );
    expect((await world.command.keyturn('inbox')).stdout).to.match(
      new RegExp(
        `^${id.slice(0, 12)} +enable +2 signed +waits +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC +enable ${release}`,
        'm',
      ),
    );
  });

  it('asks nobody whom the policy does not name, offline and at the inbox', async () => {
    const path = copy('stranger.json');
    const stranger = ['--key', world.at('home', 'keys', `release-${APP}`, '1.pem'), '--no-passphrase', '--yes'];
    const offline = failureOf(await approve(path, ...stranger));
    expect(offline.code).to.equal('approver-not-in-policy');
    expect(offline.hint).to.match(/if a newer one names you, sign it from the inbox/);
    const online = failureOf(await approve(id, ...stranger));
    expect(online.code).to.equal('approver-not-in-policy');
    expect(signatures(path)).to.equal(0);
    const { decisions } = await world.done<{ decisions: { signatureCount: number }[] }>('inbox');
    expect(decisions[0]?.signatureCount).to.equal(2);
  });

  const REFUSED: Readonly<Record<string, { argv: () => string[]; exit: number; says: RegExp }>> = {
    'a file that is not there': {
      argv: () => ['nothing.json', '--key', 'k'],
      exit: 64,
      says: /"nothing.json": there is no/,
    },
    'a name that does not wait': {
      argv: () => ['ffffffff', ...world.keys('ops-1')],
      exit: 77,
      says: /failed to find decision "ffffffff": none waits/,
    },
    'no way to sign': { argv: () => [file], exit: 64, says: /expected --key FILE; or --bytes FILE; or --signature/ },
    'two ways to sign': { argv: () => [file, '--key', 'k', '--bytes', 'b'], exit: 64, says: /expected --key FILE; or/ },
    'a signature of nobody': { argv: () => [file, '--signature', 's'], exit: 64, says: /with --public KEY.pub/ },
    'evidence of other hosts': {
      argv: () => [changed('"host":"web-1"'), ...world.keys('ops-1')],
      exit: 77,
      says: /not to these/,
    },
  };

  /** The request with its leaf under another name. */
  function changed(what: string): string {
    const path = world.at('changed.json');
    const text = readFileSync(file, 'utf8');
    const at = text.lastIndexOf(what, text.indexOf('"payload"'));
    writeFileSync(path, `${text.slice(0, at)}"host":"web-7"${text.slice(at + what.length)}`);
    return path;
  }

  it('refuses 6 more', () => expect(Object.keys(REFUSED)).to.have.length(6));
  for (const [name, { argv, exit, says }] of Object.entries(REFUSED)) {
    it(`refuses ${name}`, async () => {
      const ended = await world.command.json('approve', ...argv());
      expect(failureOf(ended).message).to.match(says);
      expect(ended.exitCode).to.equal(exit);
    });
  }

  /** Through `ssh-keygen` alone. */
  async function detached(reference: string, name: string): Promise<{ written: Ended; taken: Ended }> {
    const bytes = folder.at(`${name}.bytes`);
    const written = await approve(reference, '--bytes', bytes);
    const argv = ['-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', folder.at('dora'), bytes];
    expect(spawnSync('ssh-keygen', argv).status).to.equal(0);
    const taken = await approve(reference, '--signature', `${bytes}.sig`, '--public', `${folder.at('dora')}.pub`);
    return { written, taken };
  }

  it('takes a signature that was made where Keyturn is not, into a file and into the inbox', async () => {
    const path = copy('detached.json');
    const offline = await detached(path, 'offline');
    expect(documentOf(offline.written)).to.include({ request: id, namespace: APPROVAL_NAMESPACE });
    expect(offline.written.stderr).to.include('open the execution gate');
    expect(documentOf(offline.taken)).to.include({ request: id, file: path, signatures: 1 });
    expect(parseDecision(readFileSync(path)).signatures[0]?.keyid).to.equal(
      parseSshKey(folder.publicLine('dora')).keyId,
    );
    const online = await detached(id, 'online');
    expect(documentOf(online.taken)).to.include({ request: id, signatures: 3 });
  });

  it('takes no such signature over anything else, nor of a key that the policy does not name', async () => {
    const path = copy('other.json');
    folder.makeKey('eve');
    const bytes = folder.write('other.bytes', 'DSSEv1 0  0 ');
    for (const name of ['dora', 'eve']) {
      const target = name === 'dora' ? bytes : folder.at('offline.bytes');
      spawnSync('ssh-keygen', ['-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', folder.at(name), target], {
        input: 'y\n',
      });
    }
    const codes = [];
    for (const [name, signature] of [
      ['dora', `${bytes}.sig`],
      ['eve', `${folder.at('offline.bytes')}.sig`],
    ] as const) {
      const ended = await approve(path, '--signature', signature, '--public', `${folder.at(name)}.pub`);
      codes.push(failureOf(ended).code);
    }
    expect(codes).to.deep.equal(['signature-of-another-decision', 'approver-not-in-policy']);
    expect(signatures(path)).to.equal(0);
  });

  it('never writes the bytes over a file', async () => {
    const path = folder.write('there', 'mine');
    const ended = await approve(file, '--bytes', path);
    expect(failureOf(ended)).to.include({
      message: `bytes "${path}": there is one already`,
      hint: 'remove it, or name another file with --bytes',
    });
    expect(existsSync(path) && readFileSync(path, 'utf8')).to.equal('mine');
  });

  it('warns before a signature that cannot count where the policy demands a touch', async () => {
    const card = new SecurityKey();
    await signPolicy(world.command, (policy) => {
      const [rule] = policy.rules as [(typeof policy.rules)[number]];
      const carl = { ...sshApprover(card.line), holder: 'carl', team: 'security' };
      const touched = { ...rule, match: { env: 'prod' }, quorum: [{ team: 'security', count: 1 }] };
      return { ...policy, approvers: [...policy.approvers, carl], rules: [{ ...touched, presence: 'required' }, rule] };
    });
    const some = await approve(id, ...world.keys('ops-2'));
    expect(some.exitCode).to.equal(0);
    expect(some.stderr).to.include('this signature does not count on hosts with env=prod: the policy demands');
    await signPolicy(world.command, (policy) => ({ ...policy, rules: policy.rules.slice(0, 1) }));
    const none = await approve(id, ...world.keys('ops-2'));
    expect(none.stderr).to.include(
      'this signature does not count on any host: the policy demands one of a security key',
    );
  });
});

function sshApprover(line: string): { keyId: string; publicKey: string } {
  const publicKey = line.trim();
  return { keyId: parseSshKey(publicKey).keyId, publicKey };
}
