// The metadata service of a virtual machine at its own address, for a network namespace of the test's.
import http from 'node:http';

http.createServer((request, response) => {
    const url = new URL(request.url, 'http://169.254.169.254');
    const good = request.headers.metadata === 'true' && url.pathname === '/metadata/identity/oauth2/token' &&
        url.searchParams.get('resource') === 'https://outlook.office365.com';
    response.writeHead(good ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify(good ? { access_token: 'token.of-the-machine', expires_in: '3599', token_type: 'Bearer' }
        : { error: 'invalid_request' }));
}).listen(80, '169.254.169.254');
