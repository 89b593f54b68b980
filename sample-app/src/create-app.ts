import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import type { Config } from './config.js';
import { serveApiDocs } from './http/api-docs.js';

/** The box office, ready to listen. A start that fails rejects; it does not end the process. */
export async function createApp(config: Config): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.register(config), { logger: ['warn', 'error'], abortOnError: false });
  serveApiDocs(app);
  return app;
}
