// Usage: go run segment.go PICTURE|ADDRESS
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
)

type prediction struct {
	Class      string  `json:"class"`
	Confidence float64 `json:"confidence"`
	X          float64 `json:"x"`
	Y          float64 `json:"y"`
	Width      int     `json:"width"`
	Height     int     `json:"height"`
	Points     []struct {
		X float64 `json:"x"`
		Y float64 `json:"y"`
	} `json:"points"`
}

func variable(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// segment finds the objects in a picture, which is a file or an address.
func segment(picture string) ([]prediction, error) {
	query := url.Values{"api_key": {os.Getenv("SILHOUETTE_API_KEY")}}
	var body io.Reader
	if strings.HasPrefix(picture, "http://") || strings.HasPrefix(picture, "https://") {
		query.Set("image", picture)
	} else {
		content, err := os.ReadFile(picture)
		if err != nil {
			return nil, err
		}
		body = strings.NewReader(base64.StdEncoding.EncodeToString(content))
	}
	address := variable("SILHOUETTE_URL", "http://127.0.0.1:9001") + "/" + variable("SILHOUETTE_MODEL", "tabletop/1")
	response, err := http.Post(address+"?"+query.Encode(), "application/x-www-form-urlencoded", body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return nil, fmt.Errorf("%s: %s", response.Status, text)
	}
	var answer struct {
		Predictions []prediction `json:"predictions"`
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	return answer.Predictions, err
}

func main() {
	found, err := segment(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for _, each := range found {
		fmt.Printf("%s  %.0f%%  at %g,%g  %dx%d  %d points\n", each.Class, each.Confidence*100, each.X, each.Y, each.Width, each.Height, len(each.Points))
	}
}
