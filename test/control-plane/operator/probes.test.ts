import { Client } from '@grpc/grpc-js';
import { expect } from 'chai';
import { service as healthService } from 'grpc-health-check';

import { issueOperator } from '../../../control-plane/service.ts';
import { DIAL_OPTIONS } from '../../../shared/rpc/channel-options.ts';
import { dialCredentials } from '../../../shared/rpc/credentials.ts';
import { ControlPlaneWorld } from '../../support/control-plane-world.ts';

/** As in the reflection protocol; hand-made, because a generic client would learn it from the server. */
const REFLECTION_PATH = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const LIST_SERVICES = Buffer.concat([Buffer.from([0x3a, 1]), Buffer.from('*')]);
const symbolQuery = (symbol: string) => Buffer.concat([Buffer.from([0x22, symbol.length]), Buffer.from(symbol)]);

describe('control-plane/operator/probes', () => {
  let world: ControlPlaneWorld;
  let client: Client;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    const identity = await issueOperator(world.controlPlaneFolder, { name: 'probe', role: 'viewer' }, world.clock);
    client = new Client(
      world.controlPlane.addresses.operator,
      dialCredentials(world.caCertificate, identity),
      DIAL_OPTIONS,
    );
  });
  afterEach(async () => {
    client.close();
    await world.stop();
  });

  const health = (service: string) =>
    new Promise<unknown>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = healthService.Check as (typeof healthService)[string];
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) =>
        resolve(error ? error.code : answer),
      );
    });

  const reflect = (query: Buffer) =>
    new Promise<Buffer>((resolve, reject) => {
      const stream = client.makeBidiStreamRequest(
        REFLECTION_PATH,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
      );
      stream.once('data', (answer: Buffer) => {
        stream.cancel();
        resolve(answer);
      });
      stream.on('error', reject);
      stream.write(query);
    });

  it('says that the operator API is served, and of an unknown service that it is not known', async () => {
    expect(await health('')).to.deep.equal({ status: 'SERVING' });
    expect(await health('keyturn.v1.Operator')).to.deep.equal({ status: 'SERVING' });
    expect(await health('keyturn.v1.Nothing')).to.equal(5);
  });

  it('describes the operator API to tools that ask', async () => {
    expect((await reflect(LIST_SERVICES)).toString('latin1')).to.contain('keyturn.v1.Operator');
    const file = (await reflect(symbolQuery('keyturn.v1.Operator'))).toString('latin1');
    for (const expected of ['MissingBlobs', 'WatchRun', 'PublishRequest']) expect(file).to.contain(expected);
  });
});
