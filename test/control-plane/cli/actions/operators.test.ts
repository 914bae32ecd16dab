/** Listing and revoking the certificates of people and pipelines from the command line. */
import { expect } from 'chai';
import { CommandWorld, documentOf, failureOf, keyturn } from '../../../support/command-line.ts';

interface Listed {
  readonly name: string;
  readonly role: string;
  readonly serial: string;
  readonly revokedAtMs: number;
}

describe('keyturn operator', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  before(async () => {
    world = await CommandWorld.started();
  });
  after(() => world[Symbol.asyncDispose]());

  const listed = async (name: string) =>
    documentOf<{ certificates: Listed[] }>(await world.json('operator', 'list')).certificates.find(
      (certificate) => certificate.name === name,
    );

  it('lists what the ceremony issued, with its role, its end and its serial', async () => {
    const { stdout } = await world.keyturn('operator', 'list');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).to.have.length(3);
    for (const role of ['operator', 'releaser', 'viewer'])
      expect(stdout).to.match(
        new RegExp(`^first-${role} +${role} +until \\d{4}-\\d\\d-\\d\\dT\\S+ +[0-9A-F]{32}$`, 'm'),
      );
  });

  it('revokes all certificates of a name, says which, and its holder is refused', async () => {
    const serial = (await listed('first-releaser'))?.serial ?? '';
    const revoked = await world.keyturn('operator', 'revoke', 'first-releaser');
    expect(revoked).to.include({ exitCode: 0, stdout: `first-releaser is revoked: ${serial}\n` });
    expect((await listed('first-releaser'))?.revokedAtMs).to.be.above(0);
    expect((await world.keyturn('operator', 'list')).stdout).to.match(/^first-releaser +releaser +revoked \d{4}-/m);
    const again = await world.keyturn('operator', 'revoke', 'first-releaser');
    expect(again.stdout).to.equal('first-releaser was revoked before\n');
  });

  it('revokes one certificate by its serial, in whichever case it is written', async () => {
    const serial = (await listed('first-viewer'))?.serial ?? '';
    const ended = await world.json('operator', 'revoke', 'first-viewer', '--serial', serial.toLowerCase());
    expect(documentOf(ended)).to.deep.equal({ name: 'first-viewer', revoked: [serial] });
    expect(failureOf(await world.json('operator', 'list')).code).to.equal('certificate-revoked');
  });

  it('refuses a name that was never issued, and one that cannot be', async () => {
    const unknown = await world.json('operator', 'revoke', 'nobody');
    expect(unknown.exitCode).to.equal(77);
    expect(failureOf(unknown)).to.include({ code: 'operator-unknown', hint: 'list them with: keyturn operator list' });
    const impossible = await world.keyturn('operator', 'revoke', 'No Body');
    expect(impossible.exitCode).to.equal(64);
    expect(impossible.stderr).to.contain('operator "No Body": expected');
  });

  it('is found by whoever asks for help', async () => {
    expect((await keyturn('--help')).stdout).to.match(/^ +operator +issue, list and revoke the certificates/m);
  });
});
