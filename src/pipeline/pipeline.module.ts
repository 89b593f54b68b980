import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { PipelineExplorer } from './pipeline.explorer.js';
import { Pipeline } from './pipeline.js';

/**
 * The pipeline of an application, once however many stores it has: a controller's interceptor has to find it wherever
 * the controller is.
 */
@Global()
@Module({ imports: [DiscoveryModule], providers: [Pipeline, PipelineExplorer], exports: [Pipeline] })
export class PipelineModule {}
