package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	body := strings.NewReader(base64.StdEncoding.EncodeToString([]byte("text")))
	response, err := http.Post(os.Args[1], "application/x-www-form-urlencoded", body)
	if err != nil {
		log.Fatal(err)
	}
	var answer struct{ State string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.State)
}
