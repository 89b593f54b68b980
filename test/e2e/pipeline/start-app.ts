import {
  Module,
  type DynamicModule,
  type INestApplication,
  type ModuleMetadata,
  type NestApplicationOptions,
} from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { InvalidOptionsError } from '../../../src/base/errors.js';
import type { Call } from '../../../src/pipeline/call.js';
import { layerDecorator } from '../../../src/pipeline/decorate.js';
import { PIPELINE_LAYERS, RANK, type Emitted, type PipelineLayer } from '../../../src/pipeline/layer.js';
import { PipelineExplorer } from '../../../src/pipeline/pipeline.explorer.js';
import { Pipeline } from '../../../src/pipeline/pipeline.js';

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
  prepare: (method) => {
    if (method.metadata(BROKEN) === undefined) return undefined;
    throw new InvalidOptionsError(`${method.target.name}.${method.name}: lease too short`);
  },
};

function layer(key: symbol, rank: number, ownsAnswer: boolean): PipelineLayer {
  return { rank, ownsAnswer, prepare: (method) => method.metadata<Behaviour>(key) };
}

@Module({})
export class PipelineModule {
  /** Global like the library's own module. */
  static forRoot(): DynamicModule {
    const layers = [
      layer(HOLD, RANK.txn, true),
      layer(LEND, RANK.lock, false),
      layer(OUTER, RANK.retry, true),
      brokenLayer,
    ];
    return {
      module: PipelineModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [Pipeline, PipelineExplorer, { provide: PIPELINE_LAYERS, useValue: layers }],
      exports: [Pipeline],
    };
  }
}

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
  @Module({ ...metadata, imports: [...(metadata.imports ?? []), PipelineModule.forRoot()] })
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
