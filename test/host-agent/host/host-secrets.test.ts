/** P7: what systemd hands to the agent is a secret like those that are stored, which come first. */
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { SecretSource } from '../../../host-agent/checks/observe.ts';
import { examineSecrets } from '../../../host-agent/cli/doctor/secrets.ts';
import { hostSecrets } from '../../../host-agent/host/host-secrets.ts';
import { SecretFolder } from '../../../host-agent/host/secret-folder.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { codeOf } from '../../support/errors-of.ts';

describe('the secrets that systemd hands to the agent', () => {
  let state: string;
  let credentials: string;
  let secrets: SecretSource;
  const stored = () => join(state, 'secrets');
  const textOf = (name: string) => Buffer.from(secrets.read(name) ?? []).toString();
  const handOver = (name: string, { mode = 0o400, text = 'handed over' } = {}) => {
    writeFileSync(join(credentials, name), text);
    chmodSync(join(credentials, name), mode);
  };

  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'keyturn-secrets-'));
    credentials = mkdtempSync(join(tmpdir(), 'keyturn-credentials-'));
    secrets = hostSecrets(stored(), credentials);
    new SecretFolder(stored()).write('governance_ro', Buffer.from('stored'));
  });
  afterEach(() => {
    for (const folder of [state, credentials]) rmSync(folder, { recursive: true, force: true });
  });

  it('are read where none of that name is stored', () => {
    handOver('token');
    expect([textOf('token'), textOf('governance_ro')]).to.deep.equal(['handed over', 'stored']);
    expect(secrets.read('nowhere')).to.equal(undefined);
  });

  it('stand behind one that is stored', () => {
    handOver('governance_ro');
    expect(textOf('governance_ro')).to.equal('stored');
  });

  it('are none where no folder is named, or where it is not there', () => {
    handOver('token');
    for (const folder of [undefined, '', join(credentials, 'nowhere')])
      expect(hostSecrets(stored(), folder).read('token')).to.equal(undefined);
  });

  it('may be of a group that is only the mask of an access control list', () => {
    handOver('token', { mode: 0o440 });
    expect(textOf('token')).to.equal('handed over');
  });

  const ODD: Record<string, { readonly arrange: (path: string) => void; readonly code: string }> = {
    'one that everybody can read': { arrange: (path) => chmodSync(path, 0o444), code: 'secret-open-to-others' },
    'one that its group can write': { arrange: (path) => chmodSync(path, 0o460), code: 'secret-open-to-others' },
    'an empty one': { arrange: (path) => writeFileSync(path, ''), code: 'secret-empty' },
    'one that is too large': {
      arrange: (path) => writeFileSync(path, Buffer.alloc(LIMITS.secretBytes + 1)),
      code: 'secret-too-large',
    },
    'a link': {
      arrange: (path) => {
        rmSync(path);
        symlinkSync(join(stored(), 'governance_ro'), path);
      },
      code: 'secret-not-a-file',
    },
    ...(process.geteuid?.() === 0 && {
      "somebody else's": { arrange: (path: string) => chownSync(path, 65_534, 65_534), code: 'secret-open-to-others' },
    }),
  };

  it('are odd in at least five ways', () => {
    expect(Object.keys(ODD).length).to.be.at.least(5);
  });

  for (const [title, { arrange, code }] of Object.entries(ODD)) {
    it(`P7: ${title} is refused (${code}), and doctor says so`, async () => {
      handOver('odd', { mode: 0o600 });
      arrange(join(credentials, 'odd'));
      expect(await codeOf(() => secrets.read('odd'))).to.equal(code);
      const told = examineSecrets({ stateDirectory: state, command: (...words) => words.join(' '), credentials });
      expect(told.filter(({ level }) => level === 'trouble').map(({ statement }) => statement)).to.have.length(1);
    });
  }

  it('P7: have names that are none', async () => {
    expect(await codeOf(() => secrets.read('../secrets/governance_ro'))).to.equal('secret-name-malformed');
  });

  it('are told by doctor by name and size, but for what no plan can ask for', () => {
    handOver('token');
    handOver('agent.tls', { text: 'x' });
    const told = examineSecrets({ stateDirectory: state, command: (...words) => words.join(' '), credentials });
    expect(told.map(({ statement }) => statement)).to.deep.equal(['governance_ro: 6 bytes', 'token: 11 bytes']);
  });
});
