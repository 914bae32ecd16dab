/** Secrets reach a process as files, and leave the host in no evidence (P7). */
import { expect } from 'chai';
import type { CheckOutcome } from '../../../host-agent/checks/observe.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { askOnce, python } from './check-world.ts';

const SECRET = 'correct-horse-battery-staple';
const READ = "secret = open('/run/keyturn/secrets/governance_ro').read()\n";

interface LeakRow {
  readonly script: string;
  readonly expect: Record<string, unknown>;
  readonly status: 'PASS' | 'FAIL';
}

const leaks: Record<string, LeakRow> = {
  'a secret echoed by a check that passes': {
    script: `${READ}print('token', secret, 'end')\n`,
    expect: { stdout: { matches: 'token .* end' } },
    status: 'PASS',
  },
  'a secret echoed by a check that fails': {
    script: `import sys\n${READ}print(secret)\nprint(secret, file=sys.stderr)\nsys.exit(1)\n`,
    expect: {},
    status: 'FAIL',
  },
  'a secret echoed in base64 and hexadecimal': {
    script: `import base64\n${READ}print(base64.b64encode(secret.encode()).decode())\nprint(secret.encode().hex())\nraise SystemExit(1)\n`,
    expect: {},
    status: 'FAIL',
  },
  'a secret that lies across the cut of a long output': {
    script: `import sys\n${READ}sys.stdout.write('x' * (512 * 1024 - 10) + secret + 'y' * (600 * 1024) + secret)\nsys.exit(1)\n`,
    expect: {},
    status: 'FAIL',
  },
  'a pattern that asks for a part of the secret': {
    script: `${READ}print(secret)\n`,
    expect: { stdout: { matches: 'correct-h' } },
    status: 'FAIL',
  },
};

describe('the secrets of a check', function () {
  this.timeout(30_000);

  it('leak in five ways', () => {
    expect(Object.keys(leaks)).to.have.length(5);
  });

  for (const [sentence, { script, expect: wanted, status }] of Object.entries(leaks)) {
    it(`redacts ${sentence}`, async () => {
      const answer = await askOnce(
        { files: { 'leak.py': script }, secrets: { governance_ro: SECRET } },
        { kind: 'exec', params: { ...python('leak.py'), secrets: ['governance_ro'], expect: wanted as never } },
      );
      expect(answer.status, answer.text.slice(0, 2000)).to.equal(status);
      for (const spelling of spellings(SECRET)) expect(answer.text).not.to.include(spelling);
      if (status === 'FAIL') expect(answer.evidence.capsule?.lastOutput).to.include('[redacted]');
    });
  }

  it('are given only to a check that asks', async () => {
    const answer = await askOnce(
      {
        files: { 'look.py': "import os\nprint(os.path.exists('/run/keyturn/secrets/governance_ro'))\n" },
        secrets: { governance_ro: SECRET },
      },
      { kind: 'exec', params: { ...python('look.py'), expect: { stdout: { matches: '^False$' } } } },
    );
    expect(answer.status, answer.text).to.equal('PASS');
  });

  it('block a check when this host lacks one, and nothing runs', async () => {
    const answer = await askOnce(
      { files: { 'check.py': 'raise SystemExit(1)\n' }, secrets: { governance_ro: undefined } },
      { kind: 'exec', params: { ...python('check.py'), secrets: ['governance_ro'] } },
    );
    expect(answer.status).to.equal('BLOCKED');
    expect(answer.isHostUntouched).to.equal(true);
    expect(answer.evidence.capsule).to.equal(undefined);
    expect(answer.evidence.result).to.deep.equal({
      did: 'block',
      reason: 'this host has no secret governance_ro',
      needs: ['secret governance_ro'],
    });
  });

  it('block a check that asks for one that the plan does not name', async () => {
    const answer = await askOnce(
      { secrets: { governance_ro: SECRET } },
      { kind: 'exec', params: { argv: ['true'], secrets: ['root_password'] } },
    );
    expect(answer.status).to.equal('BLOCKED');
    expect(answer.text).to.include('secret-not-in-plan');
  });

  const tellers: Record<string, () => Promise<CheckOutcome>> = {
    'in a refusal': () => Promise.reject(new RejectedError('refused', `failed with "${SECRET}"`, { hint: SECRET })),
    'in the cause of an error': () => Promise.reject(new Error('failed', { cause: new Error(SECRET) })),
    'in a gap': async () => ({ result: { did: 'leave-a-gap', statement: SECRET, owner: SECRET, route: SECRET } }),
    'in a reason that is then cut': async () => ({
      result: { did: 'lose', reason: 'x'.repeat(4096 - 13) + SECRET },
    }),
  };
  for (const [where, observe] of Object.entries(tellers)) {
    it(`are redacted ${where} as well`, async () => {
      const options = { planChecks: new Map([['absent', observe]]) };
      const asked = { kind: 'absent', params: { path: 'x' }, options };
      const { status, text } = await askOnce({ secrets: { governance_ro: SECRET } }, asked);
      expect(status).not.to.equal('PASS');
      for (const spelling of spellings(SECRET)) expect(text).not.to.include(spelling);
    });
  }

  it('lose a check whose evidence cannot be redacted, without a word of it', async () => {
    const answer = await askOnce(
      { files: { 'check.py': `print("${SECRET}")\nraise SystemExit(1)\n` }, secrets: { governance_ro: SECRET } },
      { kind: 'exec', params: python('check.py'), context: { secrets: { read: failToRead } } },
    );
    expect(answer.status).to.equal('UNKNOWN');
    expect(answer.text).not.to.include(SECRET);
  });
});

function failToRead(): never {
  throw new Error(`cannot read ${SECRET}`);
}

/** As a program may print it, and pieces of it that a cut may leave. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [secret, secret.slice(0, 10), secret.slice(-10), bytes.toString('base64'), bytes.toString('hex')];
}
