import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Head,
  Header,
  Injectable,
  Query,
  Req,
} from '@nestjs/common';
import { Cached, type Call } from 'nestjs-cache-txn';

interface Visitor {
  readonly id?: string;
  readonly tenant?: string;
}

interface PageRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  user?: Visitor;
}

/** Trusts the header `x-user`, as JSON; a token without it is somebody whom nobody knows. */
@Injectable()
export class TrustingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<PageRequest>();
    const user = request.headers['x-user'];
    if (user !== undefined) request.user = JSON.parse(user) as Visitor;
    return true;
  }
}

const byFunction = ({ request }: Call<PageRequest>): string => `function:${request.user?.id ?? 'nobody'}`;
const tenantOf = (request: PageRequest): string | undefined => request.user?.tenant;

/** Each page says for whom it was made, and how often one was. */
@Controller('pages')
export class Pages {
  made = 0;

  @Get('default')
  @Cached()
  ofUrl(@Req() request: PageRequest, @Query() query: object) {
    return { ...this.page(request), query };
  }

  @Get('default/:section')
  @Cached({ ttl: '1m' })
  ofSection(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Head('headed')
  @Cached()
  head(@Req() request: PageRequest) {
    this.page(request);
  }

  @Get('headed')
  @Cached()
  headed(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('own/:id')
  @Cached('own:{params.id}')
  own(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('own/:id/:part')
  @Cached('own:{params.id}:{params.part}')
  part(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('named')
  @Cached('named:{user.id}')
  named(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('function')
  @Cached(byFunction)
  byFunction(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('public')
  @Cached({ public: true })
  public(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('languages')
  @Cached('languages', { vary: ['headers.accept-language', 'query.size'] })
  languages(@Req() request: PageRequest) {
    return { ...this.page(request), language: request.headers['accept-language'] };
  }

  @Get('all-languages')
  @Cached({ public: true, vary: ['headers.Accept-Language'] })
  allLanguages(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('own-headers')
  @Header('Cache-Control', 'private, max-age=9')
  @Header('Vary', 'Origin, Accept-Language')
  @Cached('own-headers', { vary: ['headers.accept-language', 'headers.x-tenant'] })
  ownHeaders(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('nothing')
  @Cached('nothing', { vary: [] })
  nothing(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('tenant')
  @Cached('tenant', { vary: ['user.tenant'] })
  tenant(@Req() request: PageRequest) {
    return this.page(request);
  }

  @Get('principal')
  @Cached('principal', { principal: tenantOf })
  principal(@Req() request: PageRequest) {
    return this.page(request);
  }

  private page(request: PageRequest) {
    this.made += 1;
    return { for: request.user?.id ?? 'nobody', made: this.made };
  }
}
