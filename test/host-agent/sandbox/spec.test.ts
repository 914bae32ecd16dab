import { expect } from 'chai';
import { checkSpec, describeEnvironment, type SandboxSpec } from '../../../host-agent/sandbox/spec.ts';
import { isSha256 } from '../../../shared/digest.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { ROOMY_LIMITS } from './sandbox-world.ts';

const SOUND: SandboxSpec = {
  argv: ['python3', '-m', 'app'],
  tree: '/opt/app-1.0.0',
  cwd: '/opt/app-1.0.0/src',
  network: 'none',
  hidden: ['/var/lib/keyturn'],
  limits: ROOMY_LIMITS,
  fd3: 'closed',
};

const WRONG: readonly { name: string; change: Partial<SandboxSpec>; code: string }[] = [
  { name: 'no argument at all', change: { argv: [] as unknown as [string] }, code: 'argv-empty' },
  { name: 'an empty program', change: { argv: [''] }, code: 'argv-empty' },
  { name: 'a NUL in an argument', change: { argv: ['a', 'b\0c'] }, code: 'argument-holds-nul' },
  { name: 'a program that reads as an assignment', change: { argv: ['LD_PRELOAD=x'] }, code: 'program-name-unusable' },
  { name: 'too many arguments', change: { argv: ['a', ...Array<string>(256).fill('b')] }, code: 'argv-too-long' },
  { name: 'an argument that is too long', change: { argv: ['a', 'b'.repeat(65_537)] }, code: 'argument-too-long' },
  { name: 'a relative working directory', change: { cwd: 'src' }, code: 'path-not-absolute' },
  { name: 'a NUL in a hidden path', change: { hidden: ['/a\0b'] }, code: 'path-not-absolute' },
  { name: 'the root as its tree', change: { tree: '/', cwd: '/' }, code: 'tree-is-root' },
  { name: 'a working directory outside', change: { cwd: '/opt/app-1.0.0-b' }, code: 'cwd-outside-tree' },
  { name: 'a way out of the tree', change: { cwd: '/opt/app-1.0.0/../x' }, code: 'cwd-outside-tree' },
  { name: 'a variable that is two', change: { env: { 'A=B': '' } }, code: 'variable-name-unusable' },
  { name: 'a variable that looks like an option', change: { env: { '-S': '' } }, code: 'variable-name-unusable' },
  { name: 'a NUL in a variable', change: { env: { A: '\0' } }, code: 'variable-holds-nul' },
  { name: 'a secret with a path', change: { secrets: { '../x': Buffer.of(1) } }, code: 'secret-name-unusable' },
  { name: 'a secret too large', change: { secrets: { x: Buffer.alloc(600_000) } }, code: 'secrets-too-large' },
  { name: 'a limit of zero', change: { limits: { ...ROOMY_LIMITS, wallMs: 0 } }, code: 'limit-unusable' },
  { name: 'a limit that is no number', change: { limits: { ...ROOMY_LIMITS, wallMs: NaN } }, code: 'limit-unusable' },
  { name: 'root as its user', change: { user: { uid: 0, gid: 1 } }, code: 'user-unusable' },
  { name: 'root’s group', change: { user: { uid: 1, gid: 0 } }, code: 'user-unusable' },
];

describe('checkSpec', () => {
  it('accepts a sound spec, whose grace may be zero', () => {
    checkSpec({ ...SOUND, limits: { ...ROOMY_LIMITS, killGraceMs: 0 } });
  });

  it('is tried with at least twenty wrong specs', () => expect(WRONG).to.have.length.of.at.least(20));
  for (const { name, change, code } of WRONG) {
    it(`refuses a spec with ${name}`, () => {
      const refused = () => checkSpec({ ...SOUND, ...change });
      expect(refused).to.throw(RejectedError).with.property('code', code);
    });
  }
});

describe('describeEnvironment', () => {
  const digest = describeEnvironment(SOUND, 'bubblewrap');

  it('is one digest, the same for the same run, whatever the order of variables', () => {
    expect(isSha256(digest)).to.equal(true);
    expect(describeEnvironment({ ...SOUND, env: { B: '2', A: '1' } }, 'none')).to.equal(
      describeEnvironment({ ...SOUND, env: { A: '1', B: '2' } }, 'none'),
    );
  });

  const DIFFERENCES: readonly Partial<SandboxSpec>[] = [
    { env: { A: '1' } },
    { argv: ['python3', '-m app'] },
    { limits: { ...ROOMY_LIMITS, wallMs: 1 } },
    { network: 'host' },
    { secrets: { token: Buffer.of(1) } },
    { user: { uid: 5, gid: 5 } },
  ];
  it('differs when anything differs that a process could notice', () => {
    const digests = DIFFERENCES.map((change) => describeEnvironment({ ...SOUND, ...change }, 'bubblewrap'));
    expect(new Set([digest, describeEnvironment(SOUND, 'none'), ...digests]).size).to.equal(8);
  });

  it('does not depend on the value of a secret', () => {
    const withSecret = (secret: string) =>
      describeEnvironment({ ...SOUND, secrets: { token: Buffer.from(secret) } }, 'none');
    expect(withSecret('one')).to.equal(withSecret('two'));
  });
});
