#import <Foundation/Foundation.h>

int main(int argc, const char *argv[]) {
    NSAutoreleasePool *pool = [NSAutoreleasePool new];
    NSURL *address = [NSURL URLWithString:[NSString stringWithUTF8String:argv[1]]];
    NSMutableURLRequest *request = [NSMutableURLRequest requestWithURL:address];
    [request setHTTPMethod:@"POST"];
    [request setHTTPBody:[[@"text" dataUsingEncoding:NSUTF8StringEncoding] base64EncodedDataWithOptions:0]];
    NSURLResponse *response = nil;
    NSError *error = nil;
    NSData *data = [NSURLConnection sendSynchronousRequest:request returningResponse:&response error:&error];
    NSDictionary *answer = data == nil ? nil : [NSJSONSerialization JSONObjectWithData:data options:0 error:&error];
    printf("%s\n", [[[answer objectForKey:@"state"] ?: (id)error description] UTF8String]);
    [pool release];
    return 0;
}
