import { Module, type INestApplication, type ModuleMetadata, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { present } from '../../../src/base/assert.js';
import { InvalidOptionsError } from '../../../src/base/errors.js';
import { DEFAULT_STORE_NAME } from '../../../src/base/store-name.js';
import type { Call } from '../../../src/pipeline/call.js';
import { layerDecorator } from '../../../src/pipeline/decorate.js';
import { PIPELINE_LAYERS, RANK, type Emitted, type PipelineLayer } from '../../../src/pipeline/layer.js';
import { Pipeline } from '../../../src/pipeline/pipeline.js';
import { PipelineModule } from '../../../src/pipeline/pipeline.module.js';

/** What a test's layer does around the next one. */
export type Behaviour = (call: Call, next: () => Promise<Emitted>) => Promise<Emitted>;

const HOLD = Symbol('@Hold');
const OUTER = Symbol('@Outer');
const LEND = Symbol('@Lend');
const BROKEN = Symbol('@Broken');

/** A layer that owns the answer, at the rank of the transaction. */
export const Hold = (behaviour: Behaviour = (_call, next) => next()) => layerDecorator(HOLD, behaviour);
/** A layer that owns the answer, at the rank of the retry. */
export const Outer = (behaviour: Behaviour = (_call, next) => next()) => layerDecorator(OUTER, behaviour);
/** A layer that does not own the answer, at the rank of the lock. */
export const Lend = (behaviour: Behaviour = (_call, next) => next()) => layerDecorator(LEND, behaviour);

/** A layer that cannot work with its options. */
export const Broken = () => layerDecorator(BROKEN, true);

const brokenLayer: PipelineLayer = {
  rank: RANK.lock,
  ownsAnswer: false,
  storeOf: (method) => (method.metadata(BROKEN) === undefined ? undefined : DEFAULT_STORE_NAME),
  prepare: (method) => {
    throw new InvalidOptionsError(`${method.target.name}.${method.name}: lease too short`);
  },
};

function layer(key: symbol, rank: number, ownsAnswer: boolean): PipelineLayer {
  return {
    rank,
    ownsAnswer,
    storeOf: (method) => (method.metadata(key) === undefined ? undefined : DEFAULT_STORE_NAME),
    prepare: (method) => present(method.metadata<Behaviour>(key), 'the behaviour'),
  };
}

const LAYERS = [
  layer(HOLD, RANK.txn, true),
  layer(LEND, RANK.lock, false),
  layer(OUTER, RANK.retry, true),
  brokenLayer,
];

/** The module of a store that has nothing but these layers. */
@Module({
  imports: [PipelineModule],
  providers: [
    {
      provide: PIPELINE_LAYERS,
      inject: [Pipeline],
      useFactory: (pipeline: Pipeline) => {
        pipeline.register(DEFAULT_STORE_NAME, LAYERS);
        return LAYERS;
      },
    },
  ],
})
class LayersModule {}

export const ADAPTERS = ['express', 'fastify'] as const;

export interface StartedApp {
  readonly app: INestApplication;
  readonly url: string;
}

const started: INestApplication[] = [];

/** Closes what a test has started; for `afterEach`. */
export async function closeApps(): Promise<void> {
  await Promise.all(started.splice(0).map((app) => app.close()));
}

/** Starts an application of these classes with the test's layers; a boot that is refused rejects. */
export async function startApp(
  metadata: ModuleMetadata,
  adapter: (typeof ADAPTERS)[number] = 'express',
): Promise<StartedApp> {
  @Module({ ...metadata, imports: [...(metadata.imports ?? []), LayersModule] })
  class AppModule {}
  const options: Pick<NestApplicationOptions, 'logger' | 'abortOnError' | 'forceCloseConnections'> = {
    logger: false,
    abortOnError: false,
    forceCloseConnections: true,
  };
  const app =
    adapter === 'express'
      ? await NestFactory.create(AppModule, options)
      : await NestFactory.create(AppModule, new FastifyAdapter({ forceCloseConnections: true }), options);
  started.push(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { app, url: `http://127.0.0.1:${port}` };
}
