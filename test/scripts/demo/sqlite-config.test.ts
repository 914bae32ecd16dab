/** The demo on a database that is a file. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { PRODUCTION_FOLDER, sqliteConfig } from '../../../scripts/demo/sqlite-config.ts';
import { planKinds } from '../../../shared/ledger/kinds/registry.ts';
import { parseKeyturnYaml } from '../../../shared/release/keyturn-yaml.ts';

const PAYLOAD = join(dirname(dirname(import.meta.dirname)), 'payloads', 'iu-cutter', 'v0.6', 'keyturn.yaml');
const read = (text: string) => parseKeyturnYaml(text, { version: '0.6', kinds: planKinds });

describe('scripts/demo/sqlite-config', () => {
  const text = readFileSync(PAYLOAD, 'utf8');

  it('takes the network from every entrypoint, and gives the folder of the file to those that are live', () => {
    const { entrypoints } = read(sqliteConfig(text));
    const reach = Object.entries(entrypoints).map(([name, { network, writable }]) => [name, network, writable]);
    expect(reach).to.deep.equal([
      ['inspect', false, []],
      ['dryrun', false, []],
      ['live', false, [PRODUCTION_FOLDER]],
      ['serve', false, [PRODUCTION_FOLDER]],
    ]);
  });

  it('changes nothing else', () => {
    const [before, after] = [read(text), read(sqliteConfig(text))];
    expect({ ...after, entrypoints: {} }).to.deep.equal({ ...before, entrypoints: {} });
    for (const [name, entrypoint] of Object.entries(before.entrypoints)) {
      const { network, writable } = after.entrypoints[name] ?? {};
      expect(after.entrypoints[name]).to.deep.equal({ ...entrypoint, network, writable });
    }
  });

  it('leaves a file without entrypoints as it is', () => {
    expect(sqliteConfig('name: demo\n')).to.equal('name: demo\n');
  });
});
